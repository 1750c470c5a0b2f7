import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { promisify } from "node:util";
import { isCryptoError } from "./crypto-error.ts";
import type { OpensshPrivateKey } from "./openssh-private-key.ts";
import { padded, SshReader, sshNumber, sshString, withoutZeros } from "./ssh-encoding.ts";

/*
 * See PROTOCOL.sshsig of OpenSSH. Between the armour's lines: the magic text; the version in four
 * bytes; public key, namespace, a reserved text, the name of a hash and the signature as strings.
 * What is signed is again the magic text and then strings: namespace, reserved text, name of the
 * hash, hash of the content. A signature is two strings: its kind, and the bytes.
 */
const MAGIC = "SSHSIG";
const VERSION = 1;
const NAMESPACE = "git";
const HASH = "sha512";
const ARMOUR_COLUMNS = 64;
const ARMOUR =
  /^-----BEGIN SSH SIGNATURE-----\r?\n([A-Za-z0-9+/=\r\n]*?)\r?\n?-----END SSH SIGNATURE-----[ \t]*(?:\r?\n)?$/;

/** Signs content in OpenSSH's armour, with git's namespace and a newline at the end. */
export async function signSsh(key: OpensshPrivateKey, content: Uint8Array): Promise<Buffer> {
  const digest = createHash(HASH).update(content).digest();
  const fields = [NAMESPACE, "", HASH].map(sshString);
  const signed = Buffer.concat([Buffer.from(MAGIC), ...fields, sshString(digest)]);
  const version = Buffer.alloc(4);
  version.writeUInt32BE(VERSION);
  const signature = await rawSignature(key, signed);
  return armour(
    Buffer.concat([
      Buffer.from(MAGIC),
      version,
      sshString(key.publicKey),
      ...fields,
      sshString(signature),
    ]),
  );
}

async function rawSignature(key: OpensshPrivateKey, signed: Buffer): Promise<Buffer> {
  const { type, privateKey } = key;
  if (type === "ssh-ed25519") {
    return Buffer.concat([type, await signWith(null, signed, privateKey)].map(sshString));
  }
  if (type === "ssh-rsa") {
    const bytes = await signWith("sha512", signed, privateKey);
    return Buffer.concat(["rsa-sha2-512", bytes].map(sshString));
  }
  const [, hash = ""] = CURVES[type] ?? [];
  const numbers = await signWith(hash, signed, { key: privateKey, dsaEncoding: "ieee-p1363" });
  const half = numbers.length / 2;
  const [r, s] = [numbers.subarray(0, half), numbers.subarray(half)];
  return Buffer.concat([type, Buffer.concat([r, s].map(sshNumber))].map(sshString));
}

const signWith = promisify(sign);

function armour(bytes: Buffer): Buffer {
  const lines = bytes.toString("base64").match(new RegExp(`.{1,${ARMOUR_COLUMNS}}`, "g")) ?? [];
  const text = ["-----BEGIN SSH SIGNATURE-----", ...lines, "-----END SSH SIGNATURE-----", ""];
  return Buffer.from(text.join("\n"));
}

/**
 * Tells whether a signature in OpenSSH's armour was made over `content` with a key: an Ed25519, RSA
 * or ECDSA key as a line of an authorized_keys file.
 */
export function isSshSignature(publicKey: string, signature: Buffer, content: Buffer): boolean {
  const armoured = ARMOUR.exec(signature.toString("latin1"))?.[1];
  if (armoured === undefined) return false;
  try {
    return isSigned(publicKey, Buffer.from(armoured, "base64"), content);
  } catch (error) {
    if (error instanceof RangeError || isCryptoError(error)) return false;
    throw error;
  }
}

function isSigned(publicKey: string, armoured: Buffer, content: Buffer): boolean {
  const outer = new SshReader(armoured);
  const magic = outer.bytes(MAGIC.length);
  outer.number();
  outer.string();
  const namespace = outer.string();
  const reserved = outer.string();
  const hashName = outer.string();
  const inner = new SshReader(outer.string());
  const digest = createHash(HASH).update(content).digest();
  const signed = Buffer.concat([magic, ...[namespace, reserved, hashName, digest].map(sshString)]);
  const key = readPublicKey(publicKey);
  return isSignedBy(key, inner.string().toString("latin1"), inner.string(), signed);
}

interface SshKey {
  readonly type: string;
  readonly key: KeyObject;
}

const CURVES: Readonly<Record<string, readonly [name: string, hash: string]>> = {
  "ecdsa-sha2-nistp256": ["P-256", "sha256"],
  "ecdsa-sha2-nistp384": ["P-384", "sha384"],
  "ecdsa-sha2-nistp521": ["P-521", "sha512"],
};

const RSA_HASHES: Readonly<Record<string, string>> = {
  "ssh-rsa": "sha1",
  "rsa-sha2-256": "sha256",
  "rsa-sha2-512": "sha512",
};

function readPublicKey(line: string): SshKey {
  const reader = new SshReader(Buffer.from(line.split(" ")[1] ?? "", "base64"));
  const type = reader.string().toString("latin1");
  return { type, key: createPublicKey({ key: jsonWebKey(type, reader), format: "jwk" }) };
}

function jsonWebKey(type: string, reader: SshReader): Record<string, string> {
  const base64 = (bytes: Buffer): string => bytes.toString("base64url");
  if (type === "ssh-ed25519") return { kty: "OKP", crv: "Ed25519", x: base64(reader.string()) };
  if (type === "ssh-rsa") {
    const exponent = withoutZeros(reader.string());
    return { kty: "RSA", e: base64(exponent), n: base64(withoutZeros(reader.string())) };
  }
  const [crv] = CURVES[type] ?? [];
  if (crv === undefined) throw new RangeError("unknown type of key");
  reader.string();
  // 4, then both coordinates.
  const point = reader.string().subarray(1);
  const half = point.length / 2;
  const [x, y] = [base64(point.subarray(0, half)), base64(point.subarray(half))];
  return { kty: "EC", crv, x, y };
}

function isSignedBy({ type, key }: SshKey, format: string, bytes: Buffer, signed: Buffer): boolean {
  if (type === "ssh-rsa") {
    const hash = RSA_HASHES[format];
    return hash !== undefined && verify(hash, signed, key, bytes);
  }
  if (format !== type) return false;
  if (type === "ssh-ed25519") return verify(null, signed, key, bytes);
  const [, hash = ""] = CURVES[type] ?? [];
  const numbers = new SshReader(bytes);
  const dsaEncoding = "ieee-p1363";
  const length = Math.ceil(curveBits(type) / 8);
  const [r, s] = [padded(numbers.string(), length), padded(numbers.string(), length)];
  return verify(hash, signed, { key, dsaEncoding }, Buffer.concat([r, s]));
}

function curveBits(type: string): number {
  return Number(/\d+$/.exec(type)?.[0] ?? 0);
}
