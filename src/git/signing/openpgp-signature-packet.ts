import { PacketReader, readSubpackets, type Subpacket } from "./openpgp-packets.ts";

/** What a signature's packet says. */
export interface SignaturePacket {
  readonly type: number;
  readonly algorithm: number;
  /** The number of its hash. */
  readonly hash: number;
  /** The first bytes up to where the hashed parts end, which are signed too. */
  readonly hashedBytes: Buffer;
  /** The first two bytes of what was signed. */
  readonly digestStart: Buffer;
  /** The numbers of the signature, one behind the other. */
  readonly numbers: Buffer;
  /** When it was made, in seconds since 1970. */
  readonly created: number;
  /** For how many seconds it is valid; 0 for always. */
  readonly lifetime: number;
  /** For how many seconds the key that it belongs to is valid; 0 for always. */
  readonly keyLifetime: number;
  /** The last eight bytes of its maker's fingerprint; empty when unknown. */
  readonly issuer: Buffer;
  /** What a key may be used for; undefined when it isn't said. */
  readonly keyFlags: number | undefined;
  readonly isPrimaryUserId: boolean;
  /** Why a key was revoked. */
  readonly revocationReason: number | undefined;
}

/** The parts of a signature that are understood, RFC 4880 section 5.2.3.1. */
const SUBPACKET = {
  created: 2,
  lifetime: 3,
  keyLifetime: 9,
  issuer: 16,
  isPrimaryUserId: 25,
  keyFlags: 27,
  revocationReason: 29,
  fingerprint: 33,
} as const;

/** Parts that change nothing here, and may therefore be marked as critical. */
const HARMLESS = new Set([5, 6, 11, 21, 22, 26, 28, 30, 32, 39]);
const VERSION = 4;
const HASHED_START = 6;

/** Reads the body of a signature's packet; undefined for those that aren't understood. */
export function parseSignaturePacket(body: Buffer): SignaturePacket | undefined {
  const reader = new PacketReader(body);
  if (reader.byte() !== VERSION) return undefined;
  const [type, algorithm, hash] = [reader.byte(), reader.byte(), reader.byte()];
  const hashed = [...readSubpackets(reader.bytes(reader.number(2)))];
  const hashedBytes = body.subarray(0, reader.offset);
  const all = [...hashed, ...readSubpackets(reader.bytes(reader.number(2)))];
  if (all.some(isUnknownDemand)) return undefined;
  const created = find(hashed, SUBPACKET.created)?.readUInt32BE();
  if (created === undefined) return undefined;
  return {
    type,
    algorithm,
    hash,
    hashedBytes,
    digestStart: reader.bytes(2),
    numbers: reader.rest(),
    created,
    lifetime: find(hashed, SUBPACKET.lifetime)?.readUInt32BE() ?? 0,
    keyLifetime: find(hashed, SUBPACKET.keyLifetime)?.readUInt32BE() ?? 0,
    issuer: issuerOf(all),
    keyFlags: find(hashed, SUBPACKET.keyFlags)?.[0],
    isPrimaryUserId: (find(hashed, SUBPACKET.isPrimaryUserId)?.[0] ?? 0) > 0,
    revocationReason: find(hashed, SUBPACKET.revocationReason)?.[0],
  };
}

/** The first bytes of a signature of version 4 and what is hashed behind them. */
export function hashedTrailer(hashedBytes: Buffer): Buffer {
  const end = Buffer.of(VERSION, 0xff, 0, 0, 0, 0);
  end.writeUInt32BE(hashedBytes.length, 2);
  return Buffer.concat([hashedBytes, end]);
}

/** Encodes the first bytes of a signature that says when it was made and with which key. */
export function encodeHashedBytes(signature: {
  readonly type: number;
  readonly algorithm: number;
  readonly hash: number;
  readonly created: number;
  readonly fingerprint: Buffer;
}): Buffer {
  const created = Buffer.alloc(4);
  created.writeUInt32BE(signature.created % 2 ** 32);
  const parts = Buffer.concat([
    subpacket(SUBPACKET.created, created),
    subpacket(SUBPACKET.issuer, signature.fingerprint.subarray(-8)),
    subpacket(SUBPACKET.fingerprint, Buffer.concat([Buffer.of(VERSION), signature.fingerprint])),
  ]);
  const start = Buffer.alloc(HASHED_START);
  start.set([VERSION, signature.type, signature.algorithm, signature.hash]);
  start.writeUInt16BE(parts.length, 4);
  return Buffer.concat([start, parts]);
}

function subpacket(type: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.of(data.length + 1, type), data]);
}

function isUnknownDemand({ type, isCritical }: Subpacket): boolean {
  const known: readonly number[] = Object.values(SUBPACKET);
  return isCritical && !HARMLESS.has(type) && !known.includes(type);
}

/** Returns the last of the parts of a type, where it is long enough to hold its number. */
function find(subpackets: readonly Subpacket[], type: number): Buffer | undefined {
  const data = subpackets.findLast((part) => part.type === type)?.data;
  const isNumber = type === SUBPACKET.created || type === SUBPACKET.lifetime;
  const length = isNumber || type === SUBPACKET.keyLifetime ? 4 : 1;
  return data !== undefined && data.length >= length ? data : undefined;
}

function issuerOf(subpackets: readonly Subpacket[]): Buffer {
  const fingerprint = find(subpackets, SUBPACKET.fingerprint);
  return (fingerprint ?? find(subpackets, SUBPACKET.issuer) ?? Buffer.alloc(0)).subarray(-8);
}
