/** Patches are cut into pieces of so many bytes, and replies without patches filled up to that. */
export const REPLY_BYTES: number = 5 * 1024;

/** A part of a patch that goes into one reply. */
export interface PatchPiece {
  readonly data: Buffer;
  readonly isLast: boolean;
}

/** Cuts a patch into pieces for replies; an empty one has one piece as well. */
export function* patchPieces(patch: Buffer): Generator<PatchPiece, void, undefined> {
  let start = 0;
  do {
    const end = start + REPLY_BYTES;
    yield { data: patch.subarray(start, end), isLast: end >= patch.length };
    start = end;
  } while (start < patch.length);
}
