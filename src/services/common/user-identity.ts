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
  // Those that don't begin with a letter are no names but distances from UTC.
  if (!/^[A-Za-z]/.test(zone)) throw unknownZone(zone);
  return { seconds, timezone: offsetAt(zone, Number(seconds)) };
}

/** Seconds on either side of 1970 that a `Date` can hold. */
const DATE_SECONDS_MAX = 8_640_000_000_000;

function offsetAt(zone: string, seconds: number): string {
  const clamped = Math.max(-DATE_SECONDS_MAX, Math.min(DATE_SECONDS_MAX, seconds));
  const options: Intl.DateTimeFormatOptions = { timeZoneName: "longOffset" };
  if (zone !== "Local") options.timeZone = zone;
  const parts = formatIn(zone, options).formatToParts(new Date(clamped * 1000));
  const text = parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
  const [, sign, hours, minutes] = /^GMT([+-])(\d\d):(\d\d)/.exec(text) ?? [];
  return sign === undefined ? "+0000" : `${sign}${hours}${minutes}`;
}

function formatIn(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en-US", options);
  } catch (error) {
    if (error instanceof RangeError) throw unknownZone(zone);
    throw error;
  }
}

function unknownZone(zone: string): TimeZoneError {
  return new TimeZoneError(`unknown time zone ${zone}`);
}
