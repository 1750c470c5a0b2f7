import type { IdentityDate } from "../../git/object/identity.ts";

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const MONTHS = [
  ...(["Jan", "Feb", "Mar", "Apr", "May", "Jun"] as const),
  ...(["Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const),
] as const;

/** The calendar repeats itself after so many years, which have so many days. */
const CYCLE_YEARS = 400n;
const CYCLE_DAYS = 146_097n;

const DAY_SECONDS = 86_400n;
const DAY_MS = 86_400_000;

/** What clock and calendar show at a date, in its time zone. */
export interface Clock {
  readonly year: bigint;
  /** `Mon Jan 02 2006 15:04:05 -0700`: how the reference server tells git of dates. */
  readonly text: string;
}

/** Reads the clock at a date however far away: commits hold any number of seconds. */
export function clockAt({ seconds, timezone }: IdentityDate): Clock {
  const [, sign, hours, minutes] = /^([+-])(\d\d)(\d\d)$/.exec(timezone) ?? [];
  const ahead = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * (sign === "-" ? -60 : 60);
  const total = seconds + BigInt(ahead);
  const days = floorDivide(total, DAY_SECONDS);
  const cycles = floorDivide(days, CYCLE_DAYS);
  // The same day of the years from 1970 to 2369.
  const day = new Date(Number(days - cycles * CYCLE_DAYS) * DAY_MS);
  const year = BigInt(day.getUTCFullYear()) + cycles * CYCLE_YEARS;
  const time = new Date(Number(total - days * DAY_SECONDS) * 1000).toISOString().slice(11, 19);
  const weekday = WEEKDAYS[day.getUTCDay()] ?? "";
  const month = MONTHS[day.getUTCMonth()] ?? "";
  const dayText = String(day.getUTCDate()).padStart(2, "0");
  return { year, text: `${weekday} ${month} ${dayText} ${yearText(year)} ${time} ${timezone}` };
}

function floorDivide(value: bigint, by: bigint): bigint {
  return (value - (((value % by) + by) % by)) / by;
}

function yearText(year: bigint): string {
  const digits = String(year < 0n ? -year : year).padStart(4, "0");
  return year < 0n ? `-${digits}` : digits;
}
