/**
 * Who did something and when: the value of an `author`, `committer` or `tagger` line.
 *
 * All fields are the bytes as they stand in the object, which may be in any encoding.
 */
export interface Identity {
  readonly name: Buffer;
  readonly email: Buffer;
  /** Absent when the line has no well-formed date and time zone. */
  readonly date?: IdentityDate;
}

export interface IdentityDate {
  /** Seconds since 1970; git's own limit is 2^64 - 1, larger ones are cut to it. */
  readonly seconds: bigint;
  /** A sign and digits as written, usually `+0100`. */
  readonly timezone: string;
}

const LESS_THAN = 0x3c;
const GREATER_THAN = 0x3e;
const PLUS = 0x2b;
const MINUS = 0x2d;
const UINT64_MAX = 0xffff_ffff_ffff_ffffn;

/**
 * Splits the value of an identity line as git does, or returns `undefined` when it has no email
 * in angle brackets.
 *
 * The email ends at the first `>`, the date begins after the last one, so a stray bracket in a
 * broken email doesn't hide the date.
 */
export function parseIdentity(line: Buffer): Identity | undefined {
  const open = line.indexOf(LESS_THAN);
  if (open < 0) return undefined;
  // A NUL hides the rest of the line from git, which reads the name as a C string.
  const nul = line.indexOf(0);
  if (nul >= 0 && nul < open) return undefined;
  const close = line.indexOf(GREATER_THAN, open + 1);
  if (close < 0) return undefined;
  const date = parseDate(line.subarray(line.lastIndexOf(GREATER_THAN) + 1));
  return {
    name: line.subarray(0, trimEnd(line, open - 1)),
    email: line.subarray(open + 1, close),
    ...(date === undefined ? {} : { date }),
  };
}

function trimEnd(line: Buffer, last: number): number {
  for (let i = last; i >= 0; i--) if (!isSpace(line[i])) return i + 1;
  return 0;
}

function parseDate(text: Buffer): IdentityDate | undefined {
  const start = skipSpace(text, 0);
  const end = skipDigits(text, start);
  if (end === start) return undefined;
  const zone = skipSpace(text, end);
  if (text[zone] !== PLUS && text[zone] !== MINUS) return undefined;
  const zoneEnd = skipDigits(text, zone + 1);
  if (zoneEnd === zone + 1) return undefined;
  return {
    seconds: parseSeconds(text.toString("latin1", start, end)),
    timezone: text.toString("latin1", zone, zoneEnd),
  };
}

/** Longer digit strings are over the limit anyway, and a huge one costs quadratic time. */
const SECONDS_DIGITS_MAX = 20;

function parseSeconds(digits: string): bigint {
  const significant = digits.replace(/^0+(?=\d)/, "");
  if (significant.length > SECONDS_DIGITS_MAX) return UINT64_MAX;
  const seconds = BigInt(significant);
  return seconds > UINT64_MAX ? UINT64_MAX : seconds;
}

/**
 * The time by which git orders commits: from the `committer` line that directly follows the
 * `author` line, in seconds.
 *
 * `offset` is where the headers after the parents begin. More forgiving than `parseIdentity`: no
 * time zone is needed, and 0 stands for whatever can't be read. Whoever compares times has to
 * use this one to agree with git's order. Times beyond 2^53 lose their last digits.
 */
export function parseCommitTime(content: Buffer, offset: number): number {
  if (!startsWith(content, offset, "author")) return 0;
  const authorEnd = content.indexOf(NEWLINE, offset);
  if (authorEnd < 0) return 0;
  const line = authorEnd + 1;
  if (!startsWith(content, line, "committer")) return 0;
  const end = content.indexOf(NEWLINE, line);
  if (end < 0) return 0;
  let start = end;
  while (start > line && content[start - 1] !== GREATER_THAN) start--;
  if (start === line) return 0;
  return parseTimestamp(content, skipSpace(content, start), end);
}

const NEWLINE = 0x0a;

/** `true` when `text` stands at `offset` and isn't the very end of the content. */
function startsWith(content: Buffer, offset: number, text: string): boolean {
  if (offset + text.length >= content.length) return false;
  for (let i = 0; i < text.length; i++) {
    if (content[offset + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** As C's `strtoumax`: the leading digits, negated modulo 2^64 after a minus sign. */
function parseTimestamp(content: Buffer, start: number, end: number): number {
  const negative = content[start] === MINUS;
  const digits = negative ? start + 1 : start;
  const digitsEnd = Math.min(skipDigits(content, digits), end);
  if (digitsEnd <= digits) return 0;
  if (!negative && digitsEnd - digits <= 15) {
    let value = 0;
    for (let i = digits; i < digitsEnd; i++) value = value * 10 + ((content[i] ?? 0) - 0x30);
    return value;
  }
  const text = content.toString("latin1", digits, digitsEnd);
  const seconds = parseSeconds(text);
  if (!negative || (seconds === UINT64_MAX && text.length > 1)) return Number(seconds);
  return Number(BigInt.asUintN(64, -seconds));
}

function skipSpace(text: Buffer, offset: number): number {
  let i = offset;
  while (i < text.length && isSpace(text[i])) i++;
  return i;
}

function skipDigits(text: Buffer, offset: number): number {
  let i = offset;
  for (;;) {
    const byte = text[i];
    if (byte === undefined || byte < 0x30 || byte > 0x39) return i;
    i++;
  }
}

/** Git's own notion: blank, tab, newline and carriage return. */
function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}
