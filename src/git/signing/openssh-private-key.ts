import type { KeyObject } from "node:crypto";
import { DomainError } from "../../base/error/domain-error.ts";
import { isCryptoError } from "./crypto-error.ts";
import { ecdsaPrivateKey, ed25519PrivateKey, rsaPrivateKey } from "./private-key-object.ts";
import { padded, SshReader, withoutZeros } from "./ssh-encoding.ts";

/** A file doesn't hold a private key of OpenSSH that can be used without a passphrase. */
export class OpensshKeyError extends DomainError {
  constructor(problem: string) {
    super("unknown", `parse private key: ssh: ${problem}`);
  }
}

/** A private key of OpenSSH. */
export interface OpensshPrivateKey {
  /** Its kind in OpenSSH's words, "ssh-ed25519". */
  readonly type: string;
  /** The public key in OpenSSH's encoding. */
  readonly publicKey: Buffer;
  readonly privateKey: KeyObject;
}

/*
 * The content between the armour's lines, see PROTOCOL.key of OpenSSH: the magic text; cipher, KDF
 * and its options as strings; the number of keys; each public key as a string; the private ones as
 * a string of two equal numbers, type, numbers of the key, comment and a padding of 1, 2, 3 and so on.
 */
const MAGIC = "openssh-key-v1\0";
const ARMOUR =
  /^-----BEGIN OPENSSH PRIVATE KEY-----\r?\n([\s\S]*?)\n-----END OPENSSH PRIVATE KEY-----/;

/** Whether a private key is one of OpenSSH's own format. */
export function isOpensshKey(key: string): boolean {
  return key.startsWith("-----BEGIN OPENSSH");
}

/** Reads a private key: Ed25519, RSA or ECDSA, without a passphrase. Throws an OpensshKeyError. */
export function parseOpensshKey(text: string): OpensshPrivateKey {
  const armoured = ARMOUR.exec(text)?.[1];
  if (armoured === undefined) throw new OpensshKeyError("no key found");
  const content = Buffer.from(armoured, "base64");
  if (!content.toString("latin1").startsWith(MAGIC)) throw invalidFormat();
  try {
    return parseContent(new SshReader(content.subarray(MAGIC.length)));
  } catch (error) {
    if (error instanceof RangeError) throw invalidFormat();
    if (isCryptoError(error)) throw new OpensshKeyError("malformed OpenSSH key");
    throw error;
  }
}

/** Returns a public key as a line of an authorized_keys file, with its newline. */
export function opensshPublicLine({ type, publicKey }: OpensshPrivateKey): string {
  return `${type} ${publicKey.toString("base64")}\n`;
}

function parseContent(reader: SshReader): OpensshPrivateKey {
  const [cipher, kdf] = [reader.text(), reader.text()];
  reader.string();
  const keys = reader.number();
  const publicKey = reader.string();
  const secret = reader.string();
  if (keys !== 1) throw new OpensshKeyError("multi-key files are not supported");
  if (cipher !== "none" || kdf !== "none") {
    throw new OpensshKeyError("this private key is passphrase protected");
  }
  return parseSecret(new SshReader(secret), publicKey);
}

function parseSecret(reader: SshReader, publicKey: Buffer): OpensshPrivateKey {
  const check = reader.number();
  if (check !== reader.number()) throw new OpensshKeyError("malformed OpenSSH key");
  const type = reader.text();
  const privateKey = parsePrivateKey(type, reader);
  reader.string();
  if (reader.rest.some((byte, index) => byte !== index + 1)) {
    throw new OpensshKeyError("padding not as expected");
  }
  return { type, publicKey, privateKey };
}

function parsePrivateKey(type: string, reader: SshReader): KeyObject {
  if (type === "ssh-ed25519") {
    const x = reader.string();
    const both = reader.string();
    if (both.length !== 64) throw new OpensshKeyError("private key unexpected length");
    return ed25519PrivateKey(both.subarray(0, 32), x);
  }
  if (type === "ssh-rsa") return parseRsaKey(reader);
  if (type.startsWith("ecdsa-sha2-nistp")) return parseEcdsaKey(reader);
  throw new OpensshKeyError("unhandled key type");
}

function parseRsaKey(reader: SshReader): KeyObject {
  const [n, e, d, qi, p, q] = Array.from({ length: 6 }, () => withoutZeros(reader.string()));
  const missing = Buffer.alloc(0);
  return rsaPrivateKey({
    n: n ?? missing,
    e: e ?? missing,
    d: d ?? missing,
    qi: qi ?? missing,
    p: p ?? missing,
    q: q ?? missing,
  });
}

const CURVES: ReadonlyMap<string, readonly [name: string, bytes: number]> = new Map([
  ["nistp256", ["P-256", 32]],
  ["nistp384", ["P-384", 48]],
  ["nistp521", ["P-521", 66]],
]);

function parseEcdsaKey(reader: SshReader): KeyObject {
  const name = reader.text();
  const [curve, length = 0] = CURVES.get(name) ?? [];
  if (curve === undefined) throw new OpensshKeyError(`unhandled elliptic curve: ${name}`);
  const point = reader.string();
  return ecdsaPrivateKey(curve, padded(reader.string(), length), point);
}

function invalidFormat(): OpensshKeyError {
  return new OpensshKeyError("invalid openssh private key format");
}
