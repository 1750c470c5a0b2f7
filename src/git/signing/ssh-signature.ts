import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";

/*
 * See PROTOCOL.sshsig of OpenSSH. Between the armour's lines: the magic text; the version in four
 * bytes; public key, namespace, a reserved text, the name of a hash and the signature as strings. A
 * string is its length in four bytes, big-endian, and that many bytes. What is signed is again the
 * magic text and then strings: namespace, reserved text, name of the hash, hash of the content.
 */
const MAGIC = "SSHSIG";
const ARMOUR =
  /^-----BEGIN SSH SIGNATURE-----\r?\n([A-Za-z0-9+/=\r\n]*?)\r?\n?-----END SSH SIGNATURE-----[ \t]*(?:\r?\n)?$/;

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
  const digest = createHash("sha512").update(content).digest();
  const signed = Buffer.concat([magic, ...[namespace, reserved, hashName, digest].map(sshString)]);
  const key = readPublicKey(publicKey);
  return isSignedBy(key, inner.string().toString("latin1"), inner.string(), signed);
}

/** Node's own errors of keys and signatures that it can't make sense of. */
function isCryptoError(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^ERR_(?:OSSL|CRYPTO)/.test(`${error.code}`);
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

function withoutZeros(number: Buffer): Buffer {
  let start = 0;
  while (start < number.length && number[start] === 0) start++;
  return number.subarray(start);
}

function padded(number: Buffer, length: number): Buffer {
  const digits = withoutZeros(number);
  if (digits.length > length) throw new RangeError("number is too large");
  return Buffer.concat([Buffer.alloc(length - digits.length), digits]);
}

function sshString(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Reads OpenSSH's encoding. Throws a RangeError at its end. */
class SshReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  bytes(length: number): Buffer {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new RangeError("cut short");
    this.#offset = end;
    return this.#bytes.subarray(end - length, end);
  }

  number(): number {
    return this.bytes(4).readUInt32BE(0);
  }

  string(): Buffer {
    return this.bytes(this.number());
  }
}
