import { DomainError } from "../../base/error/domain-error.ts";

/** A file doesn't hold a private key of OpenSSH that can be used without a passphrase. */
export class OpensshKeyError extends DomainError {
  constructor(problem: string) {
    super("unknown", `parse private key: ssh: ${problem}`);
  }
}

/*
 * The content between the armour's lines, see PROTOCOL.key of OpenSSH: the magic text; cipher, KDF
 * and its options as strings; the number of keys; each public key as a string; the private ones.
 * A string is its length in four bytes, big-endian, and that many bytes.
 */
const MAGIC = "openssh-key-v1\0";
const ARMOUR =
  /^-----BEGIN OPENSSH PRIVATE KEY-----\n([\s\S]*?)\n-----END OPENSSH PRIVATE KEY-----/;

/** Whether a private key is one of OpenSSH's own format. */
export function isOpensshKey(key: string): boolean {
  return key.startsWith("-----BEGIN OPENSSH");
}

/**
 * Returns the public key that belongs to a private key, as a line of an authorized_keys file with
 * its newline. Throws an OpensshKeyError.
 */
export function opensshPublicKey(privateKey: string): string {
  const armoured = ARMOUR.exec(privateKey)?.[1];
  if (armoured === undefined) throw new OpensshKeyError("no key found");
  const content = Buffer.from(armoured, "base64");
  if (!content.toString("latin1").startsWith(MAGIC)) throw invalidFormat();
  const strings = readStrings(content, MAGIC.length);
  const cipher = strings.next();
  const kdf = strings.next();
  strings.next();
  if (cipher.toString() !== "none" || kdf.toString() !== "none") {
    throw new OpensshKeyError("this private key is passphrase protected");
  }
  if (strings.nextNumber() !== 1) throw new OpensshKeyError("multi-key files are not supported");
  const publicKey = strings.next();
  const type = readStrings(publicKey, 0).next().toString("latin1");
  return `${type} ${publicKey.toString("base64")}\n`;
}

function invalidFormat(): OpensshKeyError {
  return new OpensshKeyError("invalid openssh private key format");
}

function readStrings(
  bytes: Buffer,
  start: number,
): { next: () => Buffer; nextNumber: () => number } {
  let offset = start;
  const nextNumber = (): number => {
    if (offset + 4 > bytes.length) throw invalidFormat();
    offset += 4;
    return bytes.readUInt32BE(offset - 4);
  };
  const next = (): Buffer => {
    const length = nextNumber();
    if (offset + length > bytes.length) throw invalidFormat();
    offset += length;
    return bytes.subarray(offset - length, offset);
  };
  return { next, nextNumber };
}
