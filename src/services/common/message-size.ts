import type { CommitAuthor, GitCommit } from "../../proto/shared_pb.ts";

/*
 * Encoded sizes of protocol messages in bytes, computed without encoding them. They decide where a
 * stream of replies is cut, so clients can see them.
 *
 * All fields here have numbers below 16: their tags take one byte.
 */

/** Size of a string, bytes or message field with this many bytes; an empty one isn't sent. */
export function fieldSize(length: number): number {
  return length === 0 ? 0 : messageFieldSize(length);
}

/** Size of a field that is sent even when it is empty: a message, or an entry of a list. */
export function messageFieldSize(length: number): number {
  return 1 + varintSize(length) + length;
}

/** Size of a number field; zero isn't sent. */
export function numberFieldSize(value: number): number {
  return value === 0 ? 0 : 1 + varintSize(value);
}

export function gitCommitSize(commit: GitCommit): number {
  let size =
    fieldSize(commit.id.length) +
    fieldSize(commit.subject.length) +
    fieldSize(commit.body.length) +
    numberFieldSize(Number(commit.bodySize)) +
    numberFieldSize(commit.signatureType) +
    fieldSize(commit.treeId.length) +
    fieldSize(Buffer.byteLength(commit.encoding)) +
    authorFieldSize(commit.author) +
    authorFieldSize(commit.committer);
  for (const parent of commit.parentIds) size += messageFieldSize(parent.length);
  for (const ref of commit.referencedBy) size += messageFieldSize(ref.length);
  for (const { key, value } of commit.trailers) {
    size += messageFieldSize(fieldSize(key.length) + fieldSize(value.length));
  }
  const { shortStats } = commit;
  if (shortStats !== undefined) {
    const { additions, deletions, changedFiles } = shortStats;
    size += messageFieldSize(
      numberFieldSize(additions) + numberFieldSize(deletions) + numberFieldSize(changedFiles),
    );
  }
  return size;
}

/** Size of an author's field; nothing without an author. */
function authorFieldSize(author: CommitAuthor | undefined): number {
  if (author === undefined) return 0;
  const { name, email, timezone, date } = author;
  return messageFieldSize(
    fieldSize(name.length) +
      fieldSize(email.length) +
      fieldSize(timezone.length) +
      (date === undefined ? 0 : messageFieldSize(numberFieldSize(Number(date.seconds)))),
  );
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest /= 128) size++;
  return size;
}
