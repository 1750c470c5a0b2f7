import { createHash, sign, verify } from "node:crypto";
import { promisify } from "node:util";
import { isCryptoError } from "./crypto-error.ts";
import { armourSignature, unarmourSignature } from "./openpgp-armour.ts";
import {
  isSignatureExpired,
  isValidAt,
  type OpenpgpKey,
  signersById,
  signingKeyAt,
} from "./openpgp-key.ts";
import type { KeyMaterial } from "./openpgp-key-material.ts";
import {
  encodeNumber,
  encodePacket,
  OpenpgpKeyError,
  PACKET,
  PacketReader,
  readPackets,
} from "./openpgp-packets.ts";
import {
  encodeHashedBytes,
  hashedTrailer,
  parseSignaturePacket,
  type SignaturePacket,
} from "./openpgp-signature-packet.ts";
import { padded } from "./ssh-encoding.ts";

const BINARY = 0;
const TEXT = 1;
const SHA256 = 8;
/** Hashes by their numbers, RFC 4880 section 9.4; MD5 and RIPEMD-160 count as broken. */
const HASHES: Readonly<Record<number, string>> = {
  2: "sha1",
  8: "sha256",
  9: "sha384",
  10: "sha512",
  11: "sha224",
  12: "sha3-256",
  14: "sha3-512",
};

/**
 * Signs content as text, at a time (in seconds since 1970), with SHA-256. Returns the signature in
 * armour, without a newline at the end. Throws an OpenpgpKeyError when the key can't sign.
 */
export async function signOpenpgp(
  key: OpenpgpKey,
  content: Uint8Array,
  time: number,
): Promise<Buffer> {
  const material = signingKeyAt(key, time);
  if (material === undefined) {
    throw new OpenpgpKeyError("sign commit: openpgp: invalid argument: no valid signing keys");
  }
  const { algorithm, fingerprint } = material;
  const hashedBytes = encodeHashedBytes({
    type: TEXT,
    algorithm,
    hash: SHA256,
    created: time,
    fingerprint,
  });
  const signed = Buffer.concat([withCarriageReturns(content), hashedTrailer(hashedBytes)]);
  const digest = createHash("sha256").update(signed).digest();
  const numbers = await signNumbers(material, signed, digest);
  const unhashedLength = Buffer.alloc(2);
  const start = digest.subarray(0, 2);
  const body = Buffer.concat([hashedBytes, unhashedLength, start, ...numbers.map(encodeNumber)]);
  return armourSignature(encodePacket(PACKET.signature, body));
}

const signWith = promisify(sign);

async function signNumbers(
  { kind, privateKey, locked, numberBytes }: KeyMaterial,
  signed: Buffer,
  digest: Buffer,
): Promise<readonly Buffer[]> {
  if (privateKey === undefined) throw new OpenpgpKeyError(`sign commit: ${locked}`);
  if (kind === "rsa") return [await signWith("sha256", signed, privateKey)];
  const both =
    kind === "eddsa"
      ? await signWith(null, digest, privateKey)
      : await signWith("sha256", signed, { key: privateKey, dsaEncoding: "ieee-p1363" });
  return [both.subarray(0, numberBytes), both.subarray(numberBytes)];
}

/** Tells whether a key made an armoured signature over content; `time` is now, in seconds. */
export function isOpenpgpSignature(
  key: OpenpgpKey,
  signature: Buffer,
  content: Uint8Array,
  time: number,
): boolean {
  const packets = unarmourSignature(signature);
  if (packets === undefined) return false;
  try {
    return isSigned(key, packets, content, time);
  } catch (error) {
    const isBroken = error instanceof OpenpgpKeyError || error instanceof RangeError;
    if (isBroken || isCryptoError(error)) return false;
    throw error;
  }
}

/** The first signature of somebody known counts. */
function isSigned(key: OpenpgpKey, packets: Buffer, content: Uint8Array, time: number): boolean {
  for (const { tag, body } of readPackets(packets)) {
    if (tag !== PACKET.signature) return false;
    const signature = parseSignaturePacket(body);
    if (signature === undefined) continue;
    const signers = signersById(key, signature.issuer);
    if (signers.length === 0) continue;
    if (isSignatureExpired(signature, time) || !isValidAt(key.primary, time)) return false;
    return signers.some(
      (signer) => isValidAt(signer, time) && isMadeBy(signer.material, signature, content),
    );
  }
  return false;
}

function isMadeBy(key: KeyMaterial, signature: SignaturePacket, content: Uint8Array): boolean {
  const { type, algorithm, hash: hashNumber, hashedBytes, digestStart, numbers } = signature;
  const hash = HASHES[hashNumber];
  if (hash === undefined || algorithm !== key.algorithm || key.privateKey === undefined)
    return false;
  if (type !== BINARY && type !== TEXT) return false;
  const text = type === TEXT ? withCarriageReturns(content) : content;
  const signed = Buffer.concat([text, hashedTrailer(hashedBytes)]);
  const digest = createHash(hash).update(signed).digest();
  if (!digest.subarray(0, 2).equals(digestStart)) return false;
  const reader = new PacketReader(numbers);
  const count = key.kind === "rsa" ? 1 : 2;
  const raw = Buffer.concat(
    Array.from({ length: count }, () => padded(reader.digits(), key.numberBytes)),
  );
  if (key.kind === "eddsa") return verify(null, digest, key.privateKey, raw);
  if (key.kind === "rsa") return verify(hash, signed, key.privateKey, raw);
  return verify(hash, signed, { key: key.privateKey, dsaEncoding: "ieee-p1363" }, raw);
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Ends lines with CR LF, as texts are signed. A byte behind a carriage return is left alone,
 * whatever it is.
 */
function withCarriageReturns(content: Uint8Array): Buffer {
  const pieces: Uint8Array[] = [];
  const lineEnd = Buffer.from("\r\n");
  let start = 0;
  for (let index = 0; index < content.length; index++) {
    const byte = content[index];
    if (byte === CARRIAGE_RETURN) index++;
    else if (byte === LINE_FEED) {
      pieces.push(content.subarray(start, index), lineEnd);
      start = index + 1;
    }
  }
  pieces.push(content.subarray(start));
  return Buffer.concat(pieces);
}
