/** A date isn't written as git is told dates here; the message is Go's. */
export class GitDateError extends Error {}

const LAYOUT = "Mon Jan 02 2006 15:04:05 -0700";
const DAYS = "Sun|Mon|Tue|Wed|Thu|Fri|Sat";
const MONTHS: readonly string[] = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** What stands in the layout, and what may stand in a date in its place. */
const PARTS: readonly (readonly [layout: string, pattern: RegExp])[] = [
  ["Mon", new RegExp(`^(?:${DAYS})`, "i")],
  [" Jan", new RegExp(`^ (?:${MONTHS.join("|")})`, "i")],
  [" 02", /^ \d\d/],
  [" 2006", /^ \d{4}/],
  [" 15", /^ \d\d?/],
  [":04", /^:\d\d/],
  [":05", /^:\d\d(?:[.,]\d+)?/],
  [" -0700", /^ [+-]\d{4}/],
];

/** Reads a date such as "Tue Nov 14 2023 23:13:20 +0100". Throws a GitDateError. */
export function parseGitDate(text: string): Date {
  const [, month = "", day = "", year = "", hour = "", minute = "", second = "", zone = ""] =
    splitDate(text);
  const monthIndex = MONTHS.findIndex((name) => name.toLowerCase() === month.toLowerCase());
  const whole = Math.floor(Number(second.replace(",", ".")));
  const fields = [Number(year), monthIndex, Number(day), Number(hour), Number(minute)] as const;
  checkRange("day", Number(day) - 1, daysOf(Number(year), monthIndex), text);
  checkRange("hour", Number(hour), 24, text);
  checkRange("minute", Number(minute), 60, text);
  checkRange("second", whole, 60, text);
  const sign = zone.startsWith("-") ? -1 : 1;
  const offset = sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3)));
  return new Date(Date.UTC(...fields, whole) - offset * 60_000);
}

/** The fields in the order of the layout, without what separates them. */
function splitDate(text: string): readonly string[] {
  let rest = text;
  const fields = PARTS.map(([layout, pattern]) => {
    const [found] = pattern.exec(rest) ?? [];
    if (found === undefined) throw unexpected(text, rest, layout);
    rest = rest.slice(found.length);
    return found.replace(/^[ :]/, "");
  });
  if (rest !== "") throw new GitDateError(`parsing time "${text}": extra text: "${rest}"`);
  return fields;
}

/** A missing separator is named apart from the field behind it. */
function unexpected(text: string, rest: string, layout: string): GitDateError {
  const separator = /^[ :]/.exec(layout)?.[0] ?? "";
  const hasSeparator = separator !== "" && rest.startsWith(separator);
  const missing =
    hasSeparator || rest === "" ? layout.slice(separator.length) : separator || layout;
  const at = hasSeparator ? rest.slice(separator.length) : rest;
  return new GitDateError(
    `parsing time "${text}" as "${LAYOUT}": cannot parse "${at}" as "${missing}"`,
  );
}

function checkRange(field: string, value: number, end: number, text: string): void {
  if (value < 0 || value >= end) {
    throw new GitDateError(`parsing time "${text}": ${field} out of range`);
  }
}

function daysOf(year: number, month: number): number {
  return new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
}
