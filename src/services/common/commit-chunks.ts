import type { Mailmap } from "../../git/mailmap/mailmap.ts";
import type { Oid } from "../../git/oid/oid.ts";
import type { GitCommit } from "../../proto/shared_pb.ts";
import { gitCommitSize } from "./message-size.ts";
import type { OpenedRepository } from "./open-repository.ts";
import { readListedCommit } from "./read-commit.ts";
import { ReplyChunk } from "./reply-chunk.ts";

/** Reads listed commits, as many at a time as one reply has room for. */
export async function* commitChunks(
  repository: OpenedRepository,
  oids: AsyncIterable<Oid>,
  mailmap: Mailmap | undefined,
  signal: AbortSignal,
): AsyncGenerator<GitCommit[], void, undefined> {
  const chunk = new ReplyChunk(gitCommitSize);
  for await (const oid of oids) {
    const full = chunk.add(await readListedCommit(repository, oid, mailmap, signal));
    if (full !== undefined) yield full;
  }
  const rest = chunk.rest();
  if (rest !== undefined) yield rest;
}
