/** The alternatives that typography has for a hyphen and for a quotation mark. */
const DASHES = /[-~\u2010-\u2015\u2053\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d]+/g;
const QUOTES = /["'`\u00ab\u00bb\u2018-\u201e\u2039\u203a\u275b-\u275e]+/g;

/** What begins an item of a list. */
const BULLET =
  /^(?:[-*\u2022\u25cf\u2219\u22c5]|[([{]?\d+[.)\]}] ?|[([{]?[a-z][.)\]}] ?|[([{]?i+[.)\]} ] ?)/;

/** Lines that differ from one project to the next, or are left out. */
const CUSTOM_LINE = /^(?:©.*|all rights reserved|license)$/;

/** How many characters a line between two texts has at least. */
const SEPARATOR_LENGTH = 3;

/**
 * Takes a text apart into words that can be compared with those of another copy of the same license:
 * without regard to case, layout, typography and the lines about the copyright.
 */
export function licenseWords(text: string): string[] {
  const words: string[] = [];
  for (const line of text.toLowerCase().split(/[\n\r]+/)) {
    const plain = plainLine(line);
    if (plain === "" || CUSTOM_LINE.test(plain)) continue;
    for (const word of plain.split(" ")) if (word !== "") words.push(word);
  }
  return words;
}

function plainLine(line: string): string {
  return line
    .replace(/\s+/g, " ")
    .trim()
    .replace(DASHES, "-")
    .replace(QUOTES, '"')
    .replace(BULLET, "")
    .replaceAll("licence", "license")
    .replace(/copyright|\(c\)/g, "©")
    .replace(/[<(](https?:\/\/[^<>()]+)[)>]/g, (_, url: string) => url.replaceAll(" ", ""))
    .replace(/([^\p{L}\p{N}])\1+/gu, "$1")
    .replaceAll(".", "")
    .trim();
}

/** The text as a whole, then the parts between lines that are drawn, if there are any. */
export function licenseParts(text: string): string[] {
  const parts: string[][] = [[]];
  for (const line of text.split("\n")) {
    const isSeparator = line.trim().length >= SEPARATOR_LENGTH && !/[a-zA-Z0-9_,()]/.test(line);
    if (isSeparator) parts.push([]);
    else parts.at(-1)?.push(line);
  }
  return parts.length === 1 ? [text] : [text, ...parts.map((lines) => lines.join("\n"))];
}
