const LETTERS: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/**
 * Reads a text in double quotation marks, with C's escapes, at the start of a binary string.
 * `undefined` when it is malformed.
 */
export function parseQuoted(text: string): { text: string; end: number } | undefined {
  const match = /^"((?:[^"\\]|\\[\s\S])*)"/.exec(text);
  if (match === null) return undefined;
  const [whole, body = ""] = match;
  let isValid = true;
  const unquoted = body.replace(
    /\\(?:([0-3][0-7]{2})|([\s\S]))/g,
    (_, octal: string | undefined, letter: string) => {
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      const value = LETTERS[letter];
      if (value === undefined) isValid = false;
      return value ?? "";
    },
  );
  return isValid ? { text: unquoted, end: whole.length } : undefined;
}
