import { RpcError } from "../../rpc/rpc-error.ts";

/** Names that a time zone's file may have. Anything else could be more than a name to the calendar. */
const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+/-]*$/;

/** The last moments that the calendar knows, in seconds from 1970. */
const SECONDS_MAX = 8_640_000_000_000n;

/**
 * How far a time zone is ahead of UTC at a time, in seconds.
 *
 * @param zone a name of the time zone database, in its very spelling; empty for UTC
 * @param seconds since 1970
 * @throws RpcError of kind `unknown` when there is no such zone
 */
export function zoneOffset(zone: string, seconds: bigint): number {
  if (zone === "" || zone === "UTC" || zone === "Local") return 0;
  if (zone.includes("..") || zone.startsWith("/") || zone.startsWith("\\")) {
    throw new RpcError("unknown", "time: invalid location name");
  }
  const isInRange = seconds >= -SECONDS_MAX && seconds <= SECONDS_MAX;
  const milliseconds = isInRange ? Number(seconds) * 1000 : 0;
  const time = ZONE_NAME.test(zone) ? timeIn(zone, milliseconds) : undefined;
  if (time?.timeZoneId !== zone) throw new RpcError("unknown", `unknown time zone ${zone}`);
  return time.offsetNanoseconds / 1e9;
}

function timeIn(zone: string, milliseconds: number): Temporal.ZonedDateTime | undefined {
  try {
    return Temporal.Instant.fromEpochMilliseconds(milliseconds).toZonedDateTimeISO(zone);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
