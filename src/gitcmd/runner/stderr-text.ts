/** How much of git's stderr an error and the log carry. */
export const STDERR_BYTES_MAX: number = 10_000;
/** Longer lines are cut. */
export const STDERR_LINE_BYTES_MAX: number = 4096;

const NEWLINE = 0x0a;

/**
 * The part of git's stderr that is kept: lines cut at `STDERR_LINE_BYTES_MAX`, and of those the
 * first `STDERR_BYTES_MAX` bytes.
 */
export function stderrText(bytes: Uint8Array): string {
  if (bytes.length === 0) return "";
  const kept: Uint8Array[] = [];
  let room = STDERR_BYTES_MAX;
  for (let start = 0; start < bytes.length && room > 0; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    const line = bytes.subarray(start, Math.min(end, start + STDERR_LINE_BYTES_MAX, start + room));
    kept.push(line);
    room -= line.length;
    if (newline !== -1 && room > 0) {
      kept.push(bytes.subarray(newline, newline + 1));
      room -= 1;
    }
    start = end + 1;
  }
  return Buffer.concat(kept).toString();
}
