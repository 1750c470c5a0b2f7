import type { IdentityDate } from "../../git/object/identity.ts";
import { ZERO_SECONDS } from "./git-time.ts";

/** The date that was given, or what the time is now. */
export function dateOrNow(given: IdentityDate): IdentityDate {
  if (given.seconds !== ZERO_SECONDS) return given;
  return { seconds: BigInt(Math.floor(Date.now() / 1000)), timezone: "+0000" };
}
