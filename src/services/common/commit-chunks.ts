import type { Mailmap } from "../../git/mailmap/mailmap.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { Turns } from "../../storage/file/turns.ts";
import { CommitEncoder } from "./commit-encoder.ts";
import { type EncodedEntry, encodedEntrySize } from "./encoded-list.ts";
import type { OpenedRepository } from "./open-repository.ts";
import { readListedCommit, readSmallObject } from "./read-commit.ts";
import { ReplyChunk } from "./reply-chunk.ts";

/** Commits that are read and encoded without a break: about ten milliseconds. */
export const COMMITS_PER_TURN = 128;

/** Reads and encodes listed commits, as many at a time as one reply has room for. */
export async function* commitChunks(
  repository: OpenedRepository,
  oids: AsyncIterable<Oid>,
  mailmap: Mailmap | undefined,
  signal: AbortSignal,
): AsyncGenerator<EncodedEntry[], void, undefined> {
  const encoder = new CommitEncoder(mailmap);
  const chunk = new ReplyChunk(encodedEntrySize);
  const turns = new Turns(signal, COMMITS_PER_TURN);
  for await (const oid of oids) {
    if (turns.isOver()) await turns.next();
    const { content } =
      readSmallObject(repository.objects, oid) ?? (await readListedCommit(repository, oid, signal));
    const full = chunk.add(encoder.encode(oid, content));
    if (full !== undefined) yield full;
  }
  const rest = chunk.rest();
  if (rest !== undefined) yield rest;
}
