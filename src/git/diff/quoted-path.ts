const LETTERS: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  "'": "'",
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** Takes the quotation marks off a path as `git diff` prints it. Takes a binary string. */
export function withoutQuotes(path: string): string {
  const isQuoted = path.length >= 2 && path.startsWith('"') && path.endsWith('"');
  return isQuoted ? path.slice(1, -1) : path;
}

/**
 * Replaces the escapes of a path as `git diff` prints it between quotation marks; what is no escape
 * stays. Takes and returns a binary string.
 */
export function unescapePath(path: string): string {
  if (!path.includes("\\")) return path;
  return path.replace(
    /\\(?:([0-3][0-7]{2})|([\s\S]))/g,
    (whole: string, octal: string | undefined, letter: string) => {
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      return LETTERS[letter] ?? whole;
    },
  );
}
