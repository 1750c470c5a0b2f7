import type { Timestamp } from "@bufbuild/protobuf/wkt";

/** The first second of the year 1, which stands for no time at all. */
export const ZERO_SECONDS = -62_135_596_800n;

/** Times of which nothing is in doubt when git reads them: those of the years 1971 to 2099. */
const PLAIN_SECONDS_MIN = 31_536_000n;
const PLAIN_SECONDS_MAX = 4_102_444_799n;

/**
 * A time as it is passed to git: `2006-01-02 15:04:05.999999999 +0000 UTC`, without zeros at the
 * end of the fraction. Undefined for the time that stands for none.
 */
export function gitTimeText({ seconds, nanos }: Timestamp): string | undefined {
  if (seconds === ZERO_SECONDS && nanos === 0) return undefined;
  const time = new Date(Number(seconds) * 1000);
  const [date = "", clock = ""] = time.toISOString().replace("Z", "").split("T");
  const fraction = nanos === 0 ? "" : `.${String(nanos).padStart(9, "0").replace(/0+$/, "")}`;
  return `${date} ${clock.slice(0, 8)}${fraction} +0000 UTC`;
}

/**
 * The seconds since 1970 that git makes of a time which it is passed as text; undefined for the time
 * that stands for none.
 */
export function approxidateSeconds({ seconds, nanos }: Timestamp): number | undefined | "ask-git" {
  if (seconds === ZERO_SECONDS && nanos === 0) return undefined;
  if (seconds < PLAIN_SECONDS_MIN || seconds > PLAIN_SECONDS_MAX) return "ask-git";
  return Number(seconds);
}
