import { generateKeyPairSync, sign } from "node:crypto";

/** A certificate for `localhost` and `127.0.0.1` with its key, both in PEM. */
export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** Makes a key pair and a certificate that it has signed itself, valid for the years 2020 to 2049. */
export function selfSignedCertificate(keyType: "ec" | "rsa" = "ec"): TestCertificate {
  const { publicKey, privateKey } =
    keyType === "ec"
      ? generateKeyPairSync("ec", { namedCurve: "prime256v1" })
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  const algorithm = keyType === "ec" ? ECDSA_WITH_SHA256 : SHA256_WITH_RSA;
  const name = sequence(set(sequence(COMMON_NAME, text("localhost"))));
  const toBeSigned = sequence(
    tlv(0xa0, tlv(0x02, Buffer.of(2))),
    tlv(0x02, Buffer.of(1)),
    sequence(...algorithm),
    name,
    sequence(time("200101000000Z"), time("491231235959Z")),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    tlv(0xa3, sequence(sequence(SUBJECT_ALT_NAME, tlv(0x04, ALTERNATIVE_NAMES)))),
  );
  const signature = tlv(0x03, Buffer.of(0), sign("sha256", toBeSigned, privateKey));
  const certificate = sequence(toBeSigned, sequence(...algorithm), signature);
  return {
    certificate: pem("CERTIFICATE", certificate),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** One value of ASN.1's distinguished encoding: tag, length, content. */
function tlv(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), body]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), body]);
}

function sequence(...content: readonly Buffer[]): Buffer {
  return tlv(0x30, ...content);
}

function set(...content: readonly Buffer[]): Buffer {
  return tlv(0x31, ...content);
}

function text(value: string): Buffer {
  return tlv(0x0c, Buffer.from(value));
}

function time(value: string): Buffer {
  return tlv(0x17, Buffer.from(value));
}

function identifier(hex: string): Buffer {
  return tlv(0x06, Buffer.from(hex, "hex"));
}

const ECDSA_WITH_SHA256: readonly Buffer[] = [identifier("2a8648ce3d040302")];
const SHA256_WITH_RSA: readonly Buffer[] = [identifier("2a864886f70d01010b"), tlv(0x05)];
const COMMON_NAME: Buffer = identifier("550403");
const SUBJECT_ALT_NAME: Buffer = identifier("551d11");
const ALTERNATIVE_NAMES: Buffer = sequence(
  tlv(0x82, Buffer.from("localhost")),
  tlv(0x87, Buffer.of(127, 0, 0, 1)),
);

function pem(type: string, content: Buffer): string {
  const lines = content.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${type}-----\n${lines.join("\n")}\n-----END ${type}-----\n`;
}
