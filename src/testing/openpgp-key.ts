import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";

/** What a test's key of OpenPGP is made of. */
export interface OpenpgpKeyOptions {
  readonly type?: "ed25519" | "rsa" | "dsa" | "p256" | "p384";
  /** When it was made, in seconds since 1970. */
  readonly created?: number;
  /** For how many seconds it is valid; 0 for always. */
  readonly lifetime?: number;
  /** What it may be used for: 1 certifies, 2 signs. */
  readonly flags?: number;
  /** Puts the secret numbers behind a passphrase that nobody knows. */
  readonly isLocked?: boolean;
}

/** When the keys of tests were made unless they say otherwise, in seconds since 1970. */
export const OPENPGP_KEY_CREATED = 1_600_000_000;

/** Makes a private key of OpenPGP in its binary form, as `gpg --export-secret-keys` writes it. */
export function openpgpKey(options: OpenpgpKeyOptions = {}): Buffer {
  const { type = "ed25519", created = OPENPGP_KEY_CREATED, lifetime = 0, flags = 3 } = options;
  const { privateKey } = generate(type);
  const { algorithm, numbers, secret } = materialOf(type, privateKey);
  const publicBody = Buffer.concat([Buffer.of(4), four(created), Buffer.of(algorithm), numbers]);
  const sum = secret.reduce((total, byte) => (total + byte) & 0xffff, 0);
  const plain = Buffer.concat([Buffer.of(0), secret, two(sum)]);
  const locked = Buffer.concat([Buffer.of(254, 9, 3, 8), Buffer.alloc(9 + 16 + secret.length)]);
  const user = Buffer.from("Somebody <somebody@example.com>");
  const binding = selfSignature({
    type,
    privateKey,
    algorithm,
    publicBody,
    user,
    created,
    flags,
    lifetime,
  });
  return Buffer.concat([
    packet(5, Buffer.concat([publicBody, options.isLocked === true ? locked : plain])),
    packet(13, user),
    packet(2, binding),
  ]);
}

type KeyType = NonNullable<OpenpgpKeyOptions["type"]>;

function generate(type: KeyType): { readonly privateKey: KeyObject } {
  if (type === "ed25519") return generateKeyPairSync("ed25519");
  if (type === "rsa") return generateKeyPairSync("rsa", { modulusLength: 2048 });
  if (type === "dsa") {
    return generateKeyPairSync("dsa", { modulusLength: 1024, divisorLength: 160 });
  }
  return generateKeyPairSync("ec", { namedCurve: type === "p256" ? "P-256" : "P-384" });
}

interface Material {
  readonly algorithm: number;
  readonly numbers: Buffer;
  readonly secret: Buffer;
}

const OIDS = { ed25519: "2b06010401da470f01", p256: "2a8648ce3d030107", p384: "2b81040022" };

function materialOf(type: KeyType, key: KeyObject): Material {
  if (type === "dsa") return dsaMaterial(key);
  const jwk = key.export({ format: "jwk" });
  const digits = (name: "n" | "e" | "d" | "p" | "q" | "x" | "y"): Buffer =>
    Buffer.from(jwk[name] ?? "", "base64url");
  if (type === "rsa") {
    // The second prime comes first, so that what JSON calls "qi" is the inverse that is wanted.
    const secret = [digits("d"), digits("q"), digits("p"), Buffer.from(jwk.qi ?? "", "base64url")];
    const numbers = Buffer.concat([digits("n"), digits("e")].map(number));
    return { algorithm: 1, numbers, secret: Buffer.concat(secret.map(number)) };
  }
  const oid = Buffer.from(OIDS[type], "hex");
  const isEdwards = type === "ed25519";
  const point = Buffer.concat([Buffer.of(isEdwards ? 0x40 : 4), digits("x"), digits("y")]);
  const numbers = Buffer.concat([Buffer.of(oid.length), oid, number(point)]);
  return { algorithm: isEdwards ? 22 : 19, numbers, secret: number(digits("d")) };
}

function dsaMaterial(key: KeyObject): Material {
  const [p, q, g, x] = integersIn(key.export({ format: "der", type: "pkcs8" })).slice(1);
  const [y] = integersIn(createPublicKey(key).export({ format: "der", type: "spki" })).slice(3);
  const numbers = Buffer.concat([p, q, g, y].map((digits) => number(digits ?? Buffer.alloc(0))));
  return { algorithm: 17, numbers, secret: number(x ?? Buffer.alloc(0)) };
}

/** Lists the integers of a structure in DER, wherever they are. */
function integersIn(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const [tag = 0, short = 0] = bytes.subarray(offset);
    const extra = short > 0x80 ? short - 0x80 : 0;
    const length = extra > 0 ? bytes.readUIntBE(offset + 2, extra) : short;
    offset += 2 + extra;
    if (tag === 0x02) found.push(bytes.subarray(offset, offset + length));
    // Bit strings begin with the number of bits that they lack.
    if (tag === 0x03) offset += 1;
    else if (tag !== 0x30 && tag !== 0x04) offset += length;
  }
  return found;
}

interface SelfSignature {
  readonly type: KeyType;
  readonly privateKey: KeyObject;
  readonly algorithm: number;
  readonly publicBody: Buffer;
  readonly user: Buffer;
  readonly created: number;
  readonly flags: number;
  readonly lifetime: number;
}

function selfSignature(options: SelfSignature): Buffer {
  const { publicBody, user, created, flags, lifetime, algorithm } = options;
  const prefix = Buffer.concat([Buffer.of(0x99), two(publicBody.length)]);
  const fingerprint = createHash("sha1").update(prefix).update(publicBody).digest();
  const parts = Buffer.concat([
    subpacket(33, Buffer.concat([Buffer.of(4), fingerprint])),
    subpacket(2, four(created)),
    subpacket(27, Buffer.of(flags)),
    ...(lifetime > 0 ? [subpacket(9, four(lifetime))] : []),
  ]);
  const hashed = Buffer.concat([Buffer.of(4, 0x13, algorithm, 8), two(parts.length), parts]);
  const issuer = subpacket(16, fingerprint.subarray(-8));
  const userPrefix = Buffer.concat([Buffer.of(0xb4), four(user.length)]);
  const trailer = Buffer.concat([Buffer.of(4, 0xff), four(hashed.length)]);
  const signed = Buffer.concat([prefix, publicBody, userPrefix, user, hashed, trailer]);
  const digest = createHash("sha256").update(signed).digest();
  const numbers = signatureNumbers(options, signed, digest).map(number);
  return Buffer.concat([hashed, two(issuer.length), issuer, digest.subarray(0, 2), ...numbers]);
}

function signatureNumbers(options: SelfSignature, signed: Buffer, digest: Buffer): Buffer[] {
  const { type, privateKey: key } = options;
  if (type === "rsa") return [sign("sha256", signed, key)];
  const both =
    type === "ed25519"
      ? sign(null, digest, key)
      : sign("sha256", signed, { key, dsaEncoding: "ieee-p1363" });
  return [both.subarray(0, both.length / 2), both.subarray(both.length / 2)];
}

function packet(tag: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0x80 | (tag << 2) | 1), two(body.length), body]);
}

function subpacket(type: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.of(data.length + 1, type), data]);
}

function number(digits: Buffer): Buffer {
  const start = digits.findIndex((byte) => byte !== 0);
  const significant = start < 0 ? Buffer.alloc(0) : digits.subarray(start);
  const bits = significant.length * 8 - Math.clz32(significant[0] ?? 0) + 24;
  return Buffer.concat([two(bits), significant]);
}

function two(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function four(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
