import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { DomainError } from "../../base/error/domain-error.ts";
import type { Identity, IdentityDate } from "../../git/object/identity.ts";
import { binaryFromBytes, bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { User } from "../../proto/shared_pb.ts";

/** A user's time zone isn't one that is known. */
export class TimeZoneError extends DomainError {
  constructor(message: string) {
    super("unknown", message);
  }
}

/**
 * Who a change is by, and when: in the user's own time zone, now unless the request says otherwise.
 * Name and email lose the characters that would end them in an object.
 *
 * @throws TimeZoneError
 */
export function userIdentity(
  { name, email, timezone }: User,
  timestamp: Timestamp | undefined,
): Required<Identity> {
  return {
    name: identityPart(name),
    email: identityPart(email),
    date: dateIn(timezone, secondsOf(timestamp)),
  };
}

/** A name or an email as it may stand in an object. */
export function identityPart(bytes: Uint8Array): Buffer {
  return bytesFromBinary(binaryFromBytes(bytes).replace(/[\n<>]/g, ""));
}

const NANOSECONDS = 1_000_000_000;

function secondsOf(timestamp: Timestamp | undefined): bigint {
  if (timestamp === undefined) return BigInt(Math.floor(Date.now() / 1000));
  return timestamp.seconds + BigInt(Math.floor(timestamp.nanos / NANOSECONDS));
}

/**
 * The date of an object in a time zone of the IANA database; an empty name stands for UTC.
 *
 * @throws TimeZoneError
 */
export function dateIn(zone: string, seconds: bigint): IdentityDate {
  if (zone === "" || zone === "UTC") return { seconds, timezone: "+0000" };
  if (/^[/\\]|\.\./.test(zone)) throw new TimeZoneError("time: invalid location name");
  return { seconds, timezone: offsetText(offsetAt(zone, seconds)) };
}

/** Names that a time zone's file may have. Anything else could be more than a name to the calendar. */
const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+/-]*$/;

/** Seconds on either side of 1970 that the calendar knows. */
const CALENDAR_SECONDS_MAX = 8_640_000_000_000;

function offsetAt(zone: string, seconds: bigint): number {
  const max = CALENDAR_SECONDS_MAX;
  const clamped = Math.max(-max, Math.min(max, Number(seconds)));
  const name = zone === "Local" ? Temporal.Now.timeZoneId() : zone;
  const time = ZONE_NAME.test(name) ? timeIn(name, clamped) : undefined;
  // The calendar would take a name in any case.
  if (time?.timeZoneId !== name) throw new TimeZoneError(`unknown time zone ${zone}`);
  return time.offsetNanoseconds / NANOSECONDS;
}

function timeIn(zone: string, seconds: number): Temporal.ZonedDateTime | undefined {
  try {
    return Temporal.Instant.fromEpochMilliseconds(seconds * 1000).toZonedDateTimeISO(zone);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A sign, hours and minutes. What is less than a minute is left out. */
function offsetText(offset: number): string {
  const minutes = Math.trunc(offset / 60);
  const size = Math.abs(minutes);
  const digits = String(Math.trunc(size / 60) * 100 + (size % 60)).padStart(4, "0");
  return `${minutes < 0 ? "-" : "+"}${digits}`;
}
