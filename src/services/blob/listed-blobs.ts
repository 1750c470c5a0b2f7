import { quoteBytes } from "../../base/text/quote-bytes.ts";
import type { ObjectHeader } from "../../git/object/object-type.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { GitFlag } from "../../gitcmd/git-command.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import type { GitCall } from "../common/git-call.ts";
import { outputLines } from "../common/output-lines.ts";
import { pipelineFailure } from "../common/rev-list.ts";

/** What is needed to have git list objects. */
export interface ListingNeeds {
  readonly git: GitRunner;
  readonly gitCall: GitCall;
}

/** A blob that git has listed. */
export interface ListedBlob {
  readonly oid: Oid;
  /** Where the walk met it; a binary string. */
  readonly path: string;
  /** Known only from some listings. */
  readonly header?: ObjectHeader;
}

/**
 * Lists the blobs that revisions reach, in the order of the walk.
 *
 * @param revisions binary strings, as `git rev-list` takes them
 * @param bytesBelow leaves out blobs that have so many bytes or more
 */
export async function* listReachableBlobs(
  repository: LocatedRepository,
  revisions: readonly string[],
  { git, gitCall }: ListingNeeds,
  bytesBelow?: number,
): AsyncGenerator<ListedBlob, void, undefined> {
  const flags: GitFlag[] = ["--stdin", "--in-commit-order", "--objects", "--object-names"];
  if (bytesBelow !== undefined) flags.push(`--filter=blob:limit=${bytesBelow}`);
  flags.push("--filter=object:type=blob", "--filter-provided-objects");
  const stdin = bytesFromBinary(revisions.join("\n"));
  try {
    const output = git.stream(repository, { name: "rev-list", flags }, { ...gitCall, stdin });
    for await (const line of outputLines(output)) {
      const end = line.indexOf(" ");
      const oid = parseOid(end < 0 ? line : line.slice(0, end));
      if (oid !== undefined) yield { oid, path: end < 0 ? "" : line.slice(end + 1) };
    }
  } catch (error) {
    throw error instanceof GitExitError ? pipelineFailure(error) : error;
  }
}

/** Lists all blobs of a repository, reachable or not, in the order in which git finds them. */
export async function* listAllBlobs(
  repository: LocatedRepository,
  { git, gitCall }: ListingNeeds,
): AsyncGenerator<ListedBlob & { readonly header: ObjectHeader }, void, undefined> {
  const flags = ["--batch-check", "--batch-all-objects", "--buffer", "--unordered"];
  const command = { name: "cat-file", flags: [...flags, "--filter=object:type=blob"] } as const;
  try {
    for await (const line of outputLines(git.stream(repository, command, gitCall))) {
      const [id = "", type, size] = line.split(" ");
      const oid = parseOid(id);
      // A damaged object; git isn't sure of its type.
      if (type === "missing")
        throw new RpcError("unknown", "parsing object info: object not found");
      if (oid === undefined || type !== "blob") continue;
      yield { oid, path: "", header: { type, size: Number(size) } };
    }
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    // Clients see how the reference server formats the buffer that holds the text.
    const stderr = `{${quoteBytes(bytesFromBinary(error.stderr))} '\\x00' '\\x00'}`;
    throw new RpcError("unknown", `cat-file failed: ${error.message}, stderr: ${stderr}`, {
      cause: error,
    });
  }
}
