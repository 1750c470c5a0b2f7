import { create } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { type CommitAuthor, CommitAuthorSchema } from "../../proto/shared_pb.ts";

const SPACE = 0x20;
const LESS_THAN = 0x3c;
const GREATER_THAN = 0x3e;

/** Stands for dates that nobody can read; clients know it. Far beyond any calendar. */
const UNREADABLE_SECONDS = 2n ** 63n - 62_135_596_801n;

/** Later dates count as unreadable. */
const SECONDS_MAX = 2n ** 53n;

/**
 * The protocol's author from the value of an `author`, `committer` or `tagger` line.
 *
 * More forgiving than git: what is left out stays empty, and a date that can't be read becomes one
 * in the far future.
 */
export function commitAuthor(line: Buffer): CommitAuthor {
  const open = line.indexOf(LESS_THAN);
  const name = line.subarray(0, nameEnd(line, open));
  const close = open < 0 ? -1 : line.indexOf(GREATER_THAN, open + 1);
  if (close < 0) return create(CommitAuthorSchema, { name });
  const email = line.subarray(open + 1, close);
  const [seconds, timezone, ...more] = words(line.subarray(close + 1));
  if (seconds === undefined) return create(CommitAuthorSchema, { name, email });
  return create(CommitAuthorSchema, {
    name,
    email,
    date: commitDate(seconds),
    ...(timezone !== undefined &&
      more.length === 0 && { timezone: Buffer.from(timezone, "latin1") }),
  });
}

/** The protocol's date from the digits that a commit has. */
export function commitDate(digits: string): Timestamp {
  return create(TimestampSchema, { seconds: parseSeconds(digits) });
}

function parseSeconds(digits: string): bigint {
  // Everything up to 15 digits is a small number, which is nearly everything.
  if (/^[0-9]{1,15}$/.test(digits)) return BigInt(Number(digits));
  if (!/^\+?[0-9]+$/.test(digits)) return digits === "-0" ? 0n : UNREADABLE_SECONDS;
  const significant = digits.replace(/^\+?0*/, "");
  if (significant.length > 16) return UNREADABLE_SECONDS;
  const seconds = BigInt(significant);
  return seconds > SECONDS_MAX ? UNREADABLE_SECONDS : seconds;
}

/** A name ends before the blank in front of the address; only one blank is dropped. */
function nameEnd(line: Buffer, open: number): number {
  const end = open < 0 ? line.length : open;
  return end > 0 && line[end - 1] === SPACE ? end - 1 : end;
}

function words(text: Buffer): string[] {
  return text
    .toString("latin1")
    .split(/[\t-\r ]+/)
    .filter((word) => word !== "");
}
