import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { User } from "../../proto/shared_pb.ts";
import { zoneOffset } from "./time-zone.ts";

/** A moment as its author's clock shows it. */
export interface LocalTime {
  /** Since 1970. */
  readonly seconds: bigint;
  /** How far the clock is ahead of UTC, in seconds. */
  readonly offset: number;
}

/** Who makes a commit or tag on request, and when. */
export interface RequestSignature {
  readonly name: Buffer;
  readonly email: Buffer;
  readonly time: LocalTime;
}

/**
 * The signature of a request's user: at the request's time, or now, in the user's time zone. What
 * would end a name or an address in an object is left out.
 *
 * @throws RpcError of kind `unknown` when there is no such time zone; most callers make it an
 *   invalid argument
 */
export function requestSignature(request: {
  readonly user?: Pick<User, "name" | "email" | "timezone"> | undefined;
  readonly timestamp?: Timestamp | undefined;
}): RequestSignature {
  const { user, timestamp } = request;
  const seconds = timestamp?.seconds ?? now().seconds;
  const offset = zoneOffset(user?.timezone ?? "", seconds);
  return {
    name: withoutDelimiters(user?.name),
    email: withoutDelimiters(user?.email),
    time: { seconds, offset },
  };
}

/** The value of a date in a tag's or commit's line, as is: `1136239445 -0700`. */
export function signatureDateText({ seconds, offset }: LocalTime): string {
  return `${seconds} ${zoneText(offset)}`;
}

/** A sign, hours and minutes. What is less than a minute is left out. */
export function zoneText(offset: number): string {
  const minutes = Math.trunc(offset / 60);
  const size = Math.abs(minutes);
  const digits = String(Math.trunc(size / 60) * 100 + (size % 60)).padStart(4, "0");
  return `${minutes < 0 ? "-" : "+"}${digits}`;
}

/** This second, in UTC. */
export function now(): LocalTime {
  return { seconds: BigInt(Math.floor(Date.now() / 1000)), offset: 0 };
}

function withoutDelimiters(text: Uint8Array = new Uint8Array()): Buffer {
  return Buffer.from(text.filter((byte) => byte !== 0x0a && byte !== 0x3c && byte !== 0x3e));
}
