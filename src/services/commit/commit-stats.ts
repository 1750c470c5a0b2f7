import type { MessageInitShape } from "@bufbuild/protobuf";
import { hashObject } from "../../git/object/object-hash.ts";
import type { ObjectFormat } from "../../git/oid/oid.ts";
import { parseRevision } from "../../git/revision/revision.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { CommitService, CommitStatsResponseSchema } from "../../proto/commit_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import { gitCall } from "../common/git-call.ts";
import { gitCommit } from "../common/git-commit.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { outputLines } from "../common/output-lines.ts";
import { readCommitObject } from "../common/read-commit.ts";
import { findObject } from "../common/resolve-revision.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type CommitStats = Handler<typeof CommitService.method.commitStats>;
type Counts = Required<
  Pick<
    MessageInitShape<typeof CommitStatsResponseSchema> & object,
    "additions" | "deletions" | "files"
  >
>;

/** Counts the lines and files that a commit changes, compared with its first parent. */
export function commitStats(needs: Needs): CommitStats {
  return async ({ repository: address, revision }, call) => {
    const located = locateRepository(needs.locator, address);
    const name = parseRevision(revision);
    const repository = openLocated(needs, located, call);
    const { objects } = repository;
    const options = gitCall(call);
    const ask = { git: needs.git, gitCall: () => options };
    const found = await findObject(repository, `${name}^{commit}`, ask);
    const object = found && (await readCommitObject(objects, found, call.signal));
    if (object === undefined) throw new RpcError("unknown", "object not found");
    const { oid } = object;
    const { parentIds } = gitCommit(oid, object.content, undefined);
    const before = parentIds.length === 0 ? emptyTree(objects.format) : `${oid}^`;
    const command = { name: "diff", flags: ["--numstat"], args: [before, oid] } as const;
    const lines = outputLines(needs.git.stream(located, command, options));
    return { oid, ...(await sumUp(lines)) };
  };
}

function emptyTree(format: ObjectFormat): string {
  return hashObject("tree", Buffer.alloc(0), format);
}

/** Adds up lines of added and deleted lines and a path; a file that is no text has dashes. */
async function sumUp(lines: AsyncIterable<string>): Promise<Counts> {
  const counts = { additions: 0, deletions: 0, files: 0 };
  for await (const line of lines) {
    const [, added = "", deleted = ""] = /^(\d+|-)\t(\d+|-)\t/.exec(line) ?? [];
    if (added === "") throw new RpcError("unknown", `invalid numstat line ${JSON.stringify(line)}`);
    counts.files++;
    if (added === "-" && deleted === "-") continue;
    counts.additions += Number(added);
    counts.deletions += Number(deleted);
  }
  return counts;
}
