import type { Mailmap } from "../../git/mailmap/mailmap.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { GitCommit } from "../../proto/shared_pb.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import { PageCutter } from "../common/pagination.ts";
import { readCommit } from "../common/read-commit.ts";
import { pagedRefs } from "./paged-refs.ts";

/** A reference's full name and the commit that it leads to. */
export interface RefCommit {
  readonly name: Buffer;
  readonly commit: GitCommit;
}

/** A reference as it is listed; its name is a binary string. */
export interface NamedOid {
  readonly name: string;
  readonly oid: Oid;
}

/**
 * Reads the commits of listed references, as many at a time as one reply has. Fails when one of
 * them leads to no commit.
 */
export async function* refCommits(
  { objects }: OpenedRepository,
  refs: AsyncIterable<NamedOid>,
  mailmap: Mailmap | undefined,
  signal: AbortSignal,
  page: PageCutter = new PageCutter(undefined),
): AsyncGenerator<RefCommit[], void, undefined> {
  for await (const batch of pagedRefs(refs, page, ({ name }) => name)) {
    const commits: RefCommit[] = [];
    for (const { name, oid } of batch.refs) {
      const commit = await readCommit(objects, oid, mailmap, signal);
      if (commit === undefined) {
        throw new RpcError("unknown", "sending lines: object not found", { metadata: { oid } });
      }
      commits.push({ name: bytesFromBinary(name), commit });
    }
    yield commits;
  }
}
