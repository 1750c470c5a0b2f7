import ssh2, { type ParsedKey } from "ssh2";
import { ANONYMOUS, type Identity } from "./http-access.ts";

/** A line of an `authorized_keys` file cannot be used. */
export class AuthorizedKeyError extends Error {}

interface AuthorizedKey {
  readonly identity: Identity;
  readonly blob: Buffer;
}

/** Decides by their public key who is admitted over SSH. */
export class SshAccess {
  readonly #keys: readonly AuthorizedKey[];

  /**
   * @param authorizedKeys lines `TYPE BASE64 [COMMENT]` as in sshd(8), without options; without any
   *   line, everybody is admitted
   * @throws AuthorizedKeyError
   */
  constructor(authorizedKeys: readonly string[]) {
    this.#keys = authorizedKeys
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line, index) => parseAuthorizedKey(line, index + 1));
  }

  /** Whether clients are admitted that present no key at all. */
  get open(): boolean {
    return this.#keys.length === 0;
  }

  /** Returns who holds the key, or undefined when the key is not admitted. */
  admit(publicKey: Buffer): Identity | undefined {
    if (this.open) return ANONYMOUS;
    return this.#keys.find(({ blob }) => blob.equals(publicKey))?.identity;
  }
}

function parseAuthorizedKey(line: string, number: number): AuthorizedKey {
  const parsed: ParsedKey | ParsedKey[] | Error = ssh2.utils.parseKey(line);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key === undefined || key instanceof Error) {
    throw new AuthorizedKeyError(`authorized key ${number} is no public key`);
  }
  const username = key.comment === "" ? `key ${number}` : key.comment;
  return { identity: { id: `key-${number}`, username }, blob: key.getPublicSSH() };
}
