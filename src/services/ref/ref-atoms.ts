import { DomainError } from "../../base/error/domain-error.ts";
import { isTextAt } from "../../git/object/byte-text.ts";
import type { ObjectType } from "../../git/object/object-type.ts";
import type { RefDateField } from "../../git/ref/sort-refs.ts";

/*
 * What `git for-each-ref` tells about the object that a reference points at. Git reads objects as C
 * strings here: they end at the first NUL. Names and addresses aren't rewritten by a mailmap.
 */

/** Who did something to an object. */
export type PersonRole = "author" | "committer" | "tagger";

/** A date as `%(…date:unix)` and `%(…date:format:%z)` show it. */
export interface RefDate {
  readonly seconds: bigint;
  readonly timezone: string;
}

/** Git gives up on an object whose date, in its time zone, lies before 1970 or beyond its numbers. */
export class UnshowableDateError extends DomainError {
  constructor() {
    super("internal", "date can't be shown");
  }
}

/** Whose date counts for an object of this type; undefined when it has none. */
export function dateRole(field: RefDateField, type: ObjectType): PersonRole | undefined {
  if (type === "tag") return TAG_ROLES[field];
  return type === "commit" ? COMMIT_ROLES[field] : undefined;
}

type Roles = Readonly<Partial<Record<RefDateField, PersonRole>>>;

const COMMIT_ROLES: Roles = {
  authordate: "author",
  committerdate: "committer",
  creatordate: "committer",
};

const TAG_ROLES: Roles = { creatordate: "tagger", taggerdate: "tagger" };

/** The part of an object that git sees. */
export function asCString(content: Buffer): Buffer {
  const nul = content.indexOf(0);
  return nul < 0 ? content : content.subarray(0, nul);
}

/**
 * Everything from the value of the first header `role` on, to the end of the object; undefined when
 * there is none.
 */
export function findPerson(content: Buffer, role: PersonRole): Buffer | undefined {
  const prefix = `${role} `;
  for (let line = 0; line < content.length; ) {
    if (isTextAt(content, line, prefix)) {
      return content.subarray(line + prefix.length);
    }
    const newline = content.indexOf("\n", line, "latin1");
    if (newline < 0 || content[newline + 1] === NEWLINE) return undefined;
    line = newline + 1;
  }
  return undefined;
}

const NEWLINE = 0x0a;

/** `%(authorname)` */
export function personName(person: Buffer): Buffer {
  const newline = person.indexOf(NEWLINE);
  const end = person.indexOf(" <", 0, "latin1");
  const isFound = end >= 0 && (newline < 0 || end < newline);
  return person.subarray(0, isFound ? end : 0);
}

/** `%(authoremail)`, without the angle brackets around it. */
export function personEmail(person: Buffer): Buffer {
  const open = person.indexOf("<", 0, "latin1");
  const close = open < 0 ? -1 : person.indexOf(">", open, "latin1");
  if (close < 0) return person.subarray(0, 0);
  let [start, end] = [open, close + 1];
  while (start < end && isBracket(person[start])) start++;
  while (start < end && isBracket(person[end - 1])) end--;
  return person.subarray(start, end);
}

function isBracket(byte: number | undefined): boolean {
  return byte === 0x3c || byte === 0x3e;
}

const SECONDS_MAX = 2n ** 64n - 1n;
const SHIFTED_SECONDS_MAX = 2n ** 63n - 1n;

/** Later times have a year that the C library can't count; their time zone isn't shown. */
const CALENDAR_SECONDS_MAX = 67_768_036_191_676_799n;

/** The date behind the address; undefined when git can't read it. Throws UnshowableDateError. */
export function personDate(person: Buffer): RefDate | undefined {
  const end = person.indexOf("> ", 0, "latin1");
  if (end < 0) return undefined;
  const text = person.toString("latin1", end + 2, end + 2 + DATE_BYTES_MAX);
  const [whole = "", digits = ""] = /^[ \t-\r]*\+?([0-9]*)/.exec(text) ?? [];
  const seconds = BigInt(digits === "" ? 0 : digits);
  if (seconds >= SECONDS_MAX) return undefined;
  const [, zone = "0"] = /^[ \t-\r]*([+-]?[0-9]+)/.exec(text.slice(whole.length)) ?? [];
  if (zone.length > 18) return undefined;
  return { seconds, timezone: shownTimezone(seconds, Number(zone)) };
}

/** Enough for any date that git can read. */
const DATE_BYTES_MAX = 256;

function shownTimezone(seconds: bigint, zone: number): string {
  const distance = Math.abs(zone);
  const minutes = Math.trunc(distance / 100) * 60 + (distance % 100);
  const shifted = seconds + BigInt(zone < 0 ? -minutes : minutes) * 60n;
  if (shifted < 0n || shifted > SHIFTED_SECONDS_MAX) throw new UnshowableDateError();
  if (shifted > CALENDAR_SECONDS_MAX) return "+0000";
  return `${zone < 0 ? "-" : "+"}${String(distance).padStart(4, "0")}`;
}
