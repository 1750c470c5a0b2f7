import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import { type CommitService, ListAllCommitsResponseSchema } from "../../proto/commit_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { EncodingHandler } from "../../rpc/handler.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { commitChunks } from "../common/commit-chunks.ts";
import { encodedReply } from "../common/encoded-list.ts";
import { gitCall } from "../common/git-call.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import {
  type OpenedRepository,
  openRepository,
  type ReadNeeds,
} from "../common/open-repository.ts";
import { outputLines } from "../common/output-lines.ts";
import { itemsOnPage, PageCutter } from "../common/pagination.ts";

type Needs = ReadNeeds & { readonly git: GitRunner; readonly mailmaps: Mailmaps };
type ListAllCommits = EncodingHandler<typeof CommitService.method.listAllCommits>;

/** Lists all commits that are stored, reachable or not, in the order in which git finds them. */
export function listAllCommits(needs: Needs): ListAllCommits {
  return async function* ({ repository: address, paginationParams }, call) {
    const repository = openRepository(needs, address, call);
    const mailmap = needs.mailmaps.find(repository, call);
    const { limit, pageToken } = paginationParams ?? { limit: 0, pageToken: "" };
    const page = new PageCutter({ limit: limit > 0 ? limit : -1, pageToken });
    const oids = itemsOnPage(storedCommits(needs, repository, call), page, (oid) => oid);
    try {
      for await (const commits of commitChunks(repository, oids, mailmap, call.signal)) {
        yield encodedReply(ListAllCommitsResponseSchema, commits);
      }
    } catch (error) {
      throw wrapError("internal", "iterating objects", error);
    }
  };
}

async function* storedCommits(
  { git }: Needs,
  { located }: OpenedRepository,
  call: Call,
): AsyncGenerator<Oid, void, undefined> {
  const order = ["--batch-all-objects", "--buffer", "--unordered"];
  const flags = ["--batch-check", ...order, "--filter=object:type=commit"];
  try {
    const output = git.stream(located, { name: "cat-file", flags }, gitCall(call));
    for await (const line of outputLines(output)) {
      const [id = "", type] = line.split(" ");
      const oid = parseOid(id);
      if (oid !== undefined && type === "commit") yield oid;
    }
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    // Clients see how the reference server formats the buffer that holds the text.
    const stderr = `{${quoteBytes(bytesFromBinary(error.stderr))} '\\x00' '\\x00'}`;
    const message = `cat-file failed: ${error.message}, stderr: ${stderr}`;
    throw new RpcError("unknown", message, { cause: error });
  }
}
