import { createPrivateKey, type KeyObject } from "node:crypto";

/** The numbers of an RSA key, as big-endian digits. */
export interface RsaNumbers {
  readonly n: Buffer;
  readonly e: Buffer;
  readonly d: Buffer;
  readonly p: Buffer;
  readonly q: Buffer;
  /** The inverse of q modulo p. */
  readonly qi: Buffer;
}

/** Makes a key of an RSA key's numbers. Throws what Node does about a key that can't be one. */
export function rsaPrivateKey(numbers: RsaNumbers): KeyObject {
  const d = bigInt(numbers.d);
  const exponent = (prime: Buffer): Buffer => digitsOf(d % (bigInt(prime) - 1n));
  const dp = exponent(numbers.p);
  return privateKey({ kty: "RSA" }, { ...numbers, dp, dq: exponent(numbers.q) });
}

/** Makes a key of an Ed25519 key's seed and public part, each of 32 bytes. */
export function ed25519PrivateKey(d: Buffer, x: Buffer): KeyObject {
  return privateKey({ kty: "OKP", crv: "Ed25519" }, { d, x });
}

/** Makes a key of a scalar and an uncompressed point (a 4, then both coordinates) of a curve. */
export function ecdsaPrivateKey(crv: string, d: Buffer, point: Buffer): KeyObject {
  const half = (point.length - 1) / 2;
  const [x, y] = [point.subarray(1, 1 + half), point.subarray(1 + half)];
  return privateKey({ kty: "EC", crv }, { d, x, y });
}

/** The numbers of a DSA key, as big-endian digits; the public one follows from them. */
export interface DsaNumbers {
  readonly p: Buffer;
  readonly q: Buffer;
  readonly g: Buffer;
  readonly x: Buffer;
}

const DSA = Buffer.from("2a8648ce380401", "hex");
const TAG = { integer: 0x02, octets: 0x04, identifier: 0x06, sequence: 0x30 } as const;

/** Makes a key of a DSA key's numbers, which JSON has no form for: RFC 5208 has. */
export function dsaPrivateKey({ p, q, g, x }: DsaNumbers): KeyObject {
  const parameters = der(TAG.sequence, ...[p, q, g].map(derInteger));
  const algorithm = der(TAG.sequence, der(TAG.identifier, DSA), parameters);
  const version = derInteger(Buffer.of(0));
  const key = der(TAG.sequence, version, algorithm, der(TAG.octets, derInteger(x)));
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}

function derInteger(digits: Buffer): Buffer {
  return der(TAG.integer, (digits[0] ?? 0) > 0x7f ? Buffer.of(0) : Buffer.of(), digits);
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const size = content.length;
  const length = size < 0x80 ? Buffer.of(size) : Buffer.of(0x82, size >> 8, size & 0xff);
  return Buffer.concat([Buffer.of(tag), length, content]);
}

function privateKey(
  kind: Readonly<Record<string, string>>,
  numbers: Readonly<Record<string, Buffer>>,
): KeyObject {
  const encoded = Object.entries(numbers).map(([name, number]) => [
    name,
    number.toString("base64url"),
  ]);
  return createPrivateKey({ key: { ...kind, ...Object.fromEntries(encoded) }, format: "jwk" });
}

function bigInt(digits: Buffer): bigint {
  return digits.length === 0 ? 0n : BigInt(`0x${digits.toString("hex")}`);
}

function digitsOf(number: bigint): Buffer {
  const hex = number.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
}
