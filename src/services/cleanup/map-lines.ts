import { textFromBinary } from "../../git/ref/binary-string.ts";

/** A longer line ends a map for the reference server, whatever follows. */
const LINE_BYTES_MAX = 64 * 1024;

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Cuts a stream into lines, without what ends them. A line that is too long ends the stream. */
export async function* mapLines(
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<string, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    const bytes = Buffer.concat([rest, piece]);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      if (end - start >= LINE_BYTES_MAX) return;
      yield lineText(bytes.subarray(start, end));
      start = end + 1;
    }
    rest = bytes.subarray(start);
    if (rest.length >= LINE_BYTES_MAX) return;
  }
  if (rest.length > 0) yield lineText(rest);
}

function lineText(line: Buffer): string {
  const end = line.at(-1) === CARRIAGE_RETURN ? line.length - 1 : line.length;
  return textFromBinary(line.toString("latin1", 0, end));
}
