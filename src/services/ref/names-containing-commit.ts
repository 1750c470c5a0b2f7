import { quoteText } from "../../base/text/quote-text.ts";
import { type ObjectFormat, OID_HEX_LENGTH } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { ListBranchNamesContainingCommitRequest } from "../../proto/ref_pb.ts";
import type { Call } from "../../rpc/call.ts";
import { internal, invalidArgument } from "../../rpc/rpc-error.ts";
import { gitCall } from "../common/git-call.ts";
import { fieldSize } from "../common/message-size.ts";
import { openRepository, type ReadNeeds } from "../common/open-repository.ts";
import { outputLines } from "../common/output-lines.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";

export type ContainingNeeds = ReadNeeds & { readonly git: GitRunner };

/** A request about branches or about tags. */
type Request = Pick<ListBranchNamesContainingCommitRequest, "repository" | "commitId" | "limit">;

/**
 * Lists the references below a prefix whose history contains a commit, for one reply after the
 * other: their names without the prefix.
 */
export async function* namesContainingCommit(
  needs: ContainingNeeds,
  { repository, commitId, limit }: Request,
  prefix: "refs/heads/" | "refs/tags/",
  call: Call,
): AsyncGenerator<Buffer[], void, undefined> {
  const { located, objects } = openRepository(needs, repository, call);
  const problem = hexProblem(commitId, objects.format);
  if (problem !== undefined) throw invalidArgument(problem);
  const count = limit === 0 ? [] : [`--count=${limit}`];
  const flags = ["--format=%(refname)", `--contains=${commitId}`, ...count];
  const command = { name: "for-each-ref", flags, args: [prefix.slice(0, -1)] } as const;
  const chunk = new ReplyChunk((name: string) => fieldSize(name.length));
  try {
    for await (const name of outputLines(needs.git.stream(located, command, gitCall(call)))) {
      const full = chunk.add(name);
      if (full !== undefined) yield full.map(shortName);
    }
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    throw internal(error.message, { cause: error });
  }
  const rest = chunk.rest();
  if (rest !== undefined) yield rest.map(shortName);

  function shortName(name: string): Buffer {
    return bytesFromBinary(name.startsWith(prefix) ? name.slice(prefix.length) : name);
  }
}

/** Says why a text is no object id. */
function hexProblem(text: string, format: ObjectFormat): string | undefined {
  const expected = OID_HEX_LENGTH[format];
  const length = Buffer.byteLength(text);
  const what = `invalid object ID: ${quoteText(text)}`;
  if (length !== expected) return `${what}, expected length ${expected}, got ${length}`;
  const [bad] = text.match(/[^0-9a-f]/u) ?? [];
  return bad === undefined ? undefined : `${what}, invalid character ${quoteCharacter(bad)}`;
}

function quoteCharacter(character: string): string {
  if (character === "'") return "'\\''";
  return character === '"' ? "'\"'" : `'${quoteText(character).slice(1, -1)}'`;
}
