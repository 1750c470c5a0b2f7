import { linearPattern } from "./linear-pattern.ts";

/** What stands between these isn't looked at. */
const DELIMITERS: ReadonlyMap<string, string> = new Map([
  ["/*", "*/"],
  ["<!--", "-->"],
  ["{-", "-}"],
  ["(*", "*)"],
  ['"""', '"""'],
  ["'''", "'''"],
]);
const QUOTES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["'", "'"],
]);
const OPENING_DELIMITER = /\/\*|<!--|\{-|\(\*|"""|'''/g;
const OPENING_QUOTE = /["']/g;
const LINE_COMMENT = /(?:\/\/|--|#|%|")[\t\n\f\r ][^\n]*/g;
const NUMBER = /(?:0x[0-9A-Fa-f][0-9A-Fa-f.]*|\d[\d.]*)(?:[uU][lL]{0,2}|(?:[eE][-+]\d*)?[fFlL]*)/g;

const TAG = /(<\/?[^\t\n\f\r <>=\d"']+)(?:[\t\n\f\r ][^>]*>|>)/g;
const TAG_ATTRIBUTE = /[\t\n\f\r ]+(?:([0-9A-Za-z_]+=)|([^\t\n\f\r >]+))/g;
const WORD = /[0-9A-Za-z_]+/g;

const SHEBANG = linearPattern(
  "^#!(?:/\\w+)*/(?:(\\w+)|\\w+(?:\\s*\\w+=\\w+\\s*)*\\s*(\\w+))(?:\\s*-\\w+\\s*)*$",
);

const TOKENS = [/[;{}()[\]]/g, /[0-9A-Za-z_.@#/*]+/g, /<<?|\+|-|\*|\/|%|&&?|\|\|?/g];

/**
 * Takes a file's content apart into what tells languages from one another: tags, punctuation,
 * words and operators, without strings, comments and numbers. In time linear to the content.
 *
 * @param content has a character per byte
 */
export function contentTokens(content: string): string[] {
  let text = Buffer.from(content, "latin1").toString();
  const tokens = shebangTokens(text);
  text = takeTags(text, tokens);
  text = withoutDelimited(text, OPENING_QUOTE, QUOTES);
  text = withoutDelimited(text, OPENING_DELIMITER, DELIMITERS);
  text = text.replace(LINE_COMMENT, " ").replace(NUMBER, " ");
  for (const pattern of TOKENS) {
    for (const token of text.match(pattern) ?? []) tokens.push(token);
    text = text.replace(pattern, " ");
  }
  for (const character of text) if (character.trim() !== "") tokens.push(character);
  return tokens;
}

function shebangTokens(text: string): string[] {
  const tokens: string[] = [];
  if (SHEBANG === undefined || !text.includes("#!")) return tokens;
  const matcher = SHEBANG.matcher(text);
  while (matcher.find()) tokens.push(`SHEBANG#!${matcher.group(1) ?? matcher.group(2) ?? ""}`);
  return tokens;
}

function takeTags(text: string, tokens: string[]): string {
  // Nothing behind the last end of a tag is one, so that none is looked for in vain.
  const end = text.lastIndexOf(">") + 1;
  const rest = text.slice(0, end).replace(TAG, (tag: string, name: string) => {
    if (tag.startsWith("<!--") && tag.endsWith("-->")) return " ";
    tokens.push(`${name}>`);
    for (const [, key, value] of tag.matchAll(TAG_ATTRIBUTE)) {
      if (key !== undefined) tokens.push(key);
      else for (const word of value?.match(WORD) ?? []) tokens.push(word);
    }
    return " ";
  });
  return rest + text.slice(end);
}

function withoutDelimited(
  text: string,
  opening: RegExp,
  delimiters: ReadonlyMap<string, string>,
): string {
  const unclosed = new Set<string>();
  let rest = "";
  let start = 0;
  for (const { 0: open, index } of text.matchAll(opening)) {
    if (index < start || unclosed.has(open)) continue;
    const close = delimiters.get(open) ?? open;
    const end = text.indexOf(close, index + open.length);
    if (end < 0) unclosed.add(open);
    else {
      rest += `${text.slice(start, index)} `;
      start = end + close.length;
    }
  }
  return rest + text.slice(start);
}
