/** The first lines of a text, as many as there are; an empty one at the end doesn't count. */
export function firstLines(text: string, count: number): string[] {
  const lines: string[] = [];
  for (let start = 0; start < text.length && lines.length < count; ) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    lines.push(text.slice(start, end));
    start = end + 1;
  }
  return lines;
}

/**
 * The last lines of a text, the last one first. What linguist's kin in Go passes over is passed
 * over: up to one character at the end, and empty lines there.
 */
export function lastLines(text: string, count: number): string[] {
  const lines: string[] = [];
  for (let end = text.length; end > 0 && lines.length < count; ) {
    const newline = text.lastIndexOf("\n", end - 1);
    if (newline + 1 < text.length - 1) lines.push(text.slice(newline + 1, end));
    end = newline;
  }
  return lines;
}
