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
