const NEWLINE = 0x0a;

/** The longest line of a process's output that is put together. */
const LINE_BYTES_MAX = 1024 * 1024;

/**
 * Splits the output of a process into lines, as binary strings without their ends. A line that is
 * longer than a megabyte comes in pieces.
 */
export async function* outputLines(
  output: AsyncIterable<Buffer>,
  terminator: number = NEWLINE,
): AsyncGenerator<string, void, undefined> {
  let begun = "";
  for await (const chunk of output) {
    let start = 0;
    let end = chunk.indexOf(terminator);
    while (end >= 0) {
      yield begun + chunk.toString("latin1", start, end);
      begun = "";
      start = end + 1;
      end = chunk.indexOf(terminator, start);
    }
    begun += chunk.toString("latin1", start);
    if (begun.length > LINE_BYTES_MAX) {
      yield begun;
      begun = "";
    }
  }
  if (begun !== "") yield begun;
}
