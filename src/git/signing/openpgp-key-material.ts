import { createHash, type KeyObject } from "node:crypto";
import { invalidData, PacketReader } from "./openpgp-packets.ts";
import {
  dsaPrivateKey,
  ecdsaPrivateKey,
  ed25519PrivateKey,
  rsaPrivateKey,
} from "./private-key-object.ts";
import { padded } from "./ssh-encoding.ts";

/** How keys sign, by their algorithm's number. */
export type KeyKind = "rsa" | "dsa" | "ecdsa" | "eddsa";

/** One key of an OpenPGP key file, the primary one or a subkey. */
export interface KeyMaterial {
  /** The number of its algorithm, RFC 4880 section 9.1. */
  readonly algorithm: number;
  /** How it signs; undefined for keys that only encrypt. */
  readonly kind: KeyKind | undefined;
  /** When it was made, in seconds since 1970. */
  readonly created: number;
  readonly fingerprint: Buffer;
  /** Why there is no private key; empty when there is one. */
  readonly locked: string;
  /** The private key, from which the public one follows too. */
  readonly privateKey: KeyObject | undefined;
  /** Bytes of one number in a signature. */
  readonly numberBytes: number;
}

const VERSION = 4;
const ENCRYPTING = new Set([2, 16, 18]);
const ED25519 = "2b06010401da470f01";
const CURVES: Readonly<Record<string, readonly [name: string, bytes: number]>> = {
  "2a8648ce3d030107": ["P-256", 32],
  "2b81040022": ["P-384", 48],
  "2b81040023": ["P-521", 66],
  "2b8104000a": ["secp256k1", 32],
};
/** How secret numbers may be encrypted; 0 stands for not at all. */
const S2K_CHECKSUMS = new Set([254, 255]);
const S2K_GNU = 101;

/** Reads the body of a packet with a private key; undefined for kinds that aren't known. */
export function parseKeyMaterial(body: Buffer): KeyMaterial | undefined {
  const reader = new PacketReader(body);
  if (reader.byte() !== VERSION) return undefined;
  const created = reader.number(4);
  const algorithm = reader.byte();
  const numbers = readPublicNumbers(algorithm, reader);
  if (numbers === undefined) return undefined;
  const publicBody = body.subarray(0, reader.offset);
  const { kind, numberBytes } = numbers;
  const common = { algorithm, created, kind, numberBytes, fingerprint: fingerprint(publicBody) };
  const usage = reader.byte();
  if (usage !== 0) return { ...common, locked: lockedBy(usage, reader), privateKey: undefined };
  const secret = withoutChecksum(reader.rest());
  return { ...common, locked: "", privateKey: numbers.privateKey(new PacketReader(secret)) };
}

function fingerprint(publicBody: Buffer): Buffer {
  const length = Buffer.of(0x99, publicBody.length >> 8, publicBody.length & 0xff);
  return createHash("sha1").update(length).update(publicBody).digest();
}

interface PublicNumbers {
  readonly kind: KeyKind | undefined;
  readonly numberBytes: number;
  privateKey(secret: PacketReader): KeyObject | undefined;
}

function readPublicNumbers(algorithm: number, reader: PacketReader): PublicNumbers | undefined {
  if (algorithm === 1 || algorithm === 3) return readRsa(reader);
  if (algorithm === 17) return readDsa(reader);
  if (algorithm === 19) return readEcdsa(reader);
  if (algorithm === 22) return readEddsa(reader);
  if (!ENCRYPTING.has(algorithm)) return undefined;
  return readEncrypting(algorithm, reader);
}

function readRsa(reader: PacketReader): PublicNumbers {
  const [n, e] = [reader.digits(), reader.digits()];
  const privateKey = (secret: PacketReader): KeyObject => {
    // The inverse that follows is that of p modulo q.
    const [d, q, p, qi] = [secret.digits(), secret.digits(), secret.digits(), secret.digits()];
    return rsaPrivateKey({ n, e, d, p, q, qi });
  };
  return { kind: "rsa", numberBytes: n.length, privateKey };
}

function readDsa(reader: PacketReader): PublicNumbers {
  const [p, q, g] = [reader.digits(), reader.digits(), reader.digits()];
  // The public number follows from the others.
  reader.digits();
  const privateKey = (secret: PacketReader): KeyObject =>
    dsaPrivateKey({ p, q, g, x: secret.digits() });
  return { kind: "dsa", numberBytes: q.length, privateKey };
}

function readEcdsa(reader: PacketReader): PublicNumbers | undefined {
  const [curve, numberBytes = 0] = CURVES[reader.bytes(reader.byte()).toString("hex")] ?? [];
  const point = reader.digits();
  if (curve === undefined) return undefined;
  const privateKey = (secret: PacketReader): KeyObject =>
    ecdsaPrivateKey(curve, padded(secret.digits(), numberBytes), point);
  return { kind: "ecdsa", numberBytes, privateKey };
}

function readEddsa(reader: PacketReader): PublicNumbers | undefined {
  const curve = reader.bytes(reader.byte()).toString("hex");
  // 0x40, then the key.
  const point = reader.digits().subarray(1);
  if (curve !== ED25519) return undefined;
  const privateKey = (secret: PacketReader): KeyObject =>
    ed25519PrivateKey(padded(secret.digits(), 32), point);
  return { kind: "eddsa", numberBytes: 32, privateKey };
}

/** Keys that encrypt matter only as far as their fingerprints need the end of their numbers. */
function readEncrypting(algorithm: number, reader: PacketReader): PublicNumbers {
  if (algorithm === 2) for (let number = 0; number < 2; number++) reader.digits();
  if (algorithm === 16) for (let number = 0; number < 3; number++) reader.digits();
  if (algorithm === 18) {
    reader.bytes(reader.byte());
    reader.digits();
    reader.bytes(reader.byte());
  }
  return { kind: undefined, numberBytes: 0, privateKey: () => undefined };
}

function lockedBy(usage: number, reader: PacketReader): string {
  if (S2K_CHECKSUMS.has(usage)) {
    reader.byte();
    if (reader.byte() === S2K_GNU) return "openpgp: s2k GNU dummy key: dummy key found";
  }
  return "openpgp: invalid argument: signing key is encrypted";
}

function withoutChecksum(secret: Buffer): Buffer {
  if (secret.length < 2) throw invalidData("truncated private key data");
  const numbers = secret.subarray(0, -2);
  const sum = numbers.reduce((total, byte) => (total + byte) & 0xffff, 0);
  if (sum !== secret.readUInt16BE(numbers.length)) {
    throw invalidData("private key checksum failure");
  }
  return numbers;
}
