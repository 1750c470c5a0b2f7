import type { IdentityDate } from "../../git/object/identity.ts";

/** The first second of the year 1, which stands for no time at all. */
const NO_SECONDS = -62_135_596_800n;

/** The date that was given, or what the time is now. */
export function dateOrNow(given: IdentityDate): IdentityDate {
  if (given.seconds !== NO_SECONDS) return given;
  return { seconds: BigInt(Math.floor(Date.now() / 1000)), timezone: "+0000" };
}
