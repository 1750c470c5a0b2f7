import { readFileSync, statSync } from "node:fs";
import { DomainError } from "../../base/error/domain-error.ts";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import { type OpenpgpKey, parseOpenpgpKey } from "./openpgp-key.ts";
import { OpenpgpKeyError } from "./openpgp-packets.ts";
import { isOpenpgpSignature, signOpenpgp } from "./openpgp-signature.ts";
import {
  isOpensshKey,
  type OpensshPrivateKey,
  opensshPublicLine,
  parseOpensshKey,
} from "./openssh-private-key.ts";
import { isSshSignature, signSsh } from "./ssh-signature.ts";

/** A key that signs couldn't be read. */
export class SigningKeyError extends DomainError {
  constructor(problem: string, cause: unknown) {
    super("unknown", problem, { cause });
  }
}

/** Paths of the private keys that sign commits, or did so before; the first is empty without any. */
export interface SigningKeyPaths {
  readonly signingKeyPath: string;
  readonly rotatedSigningKeyPaths: readonly string[];
}

/** Tells whether one of the server's keys made a signature over content. */
export type SignatureVerifier = (content: Buffer, signature: Buffer) => boolean;

/**
 * Signs and recognizes what the server makes. Keys are OpenSSH's or OpenPGP's (binary, without a
 * passphrase); each method reads their files anew when these have changed and throws a
 * SigningKeyError, OpensshKeyError or OpenpgpKeyError about those that can't be read.
 */
export interface CommitSigner {
  /**
   * Signs a commit's bytes with the current key. Returns what git puts behind "gpgsig": the armour
   * with one more newline behind it, see `addSignature`. OpenPGP writes `date` into it: the time of
   * the author.
   */
  sign(content: Uint8Array, date: Date): Promise<Buffer>;
  /** Reads all keys, and returns what knows signatures of the current one and earlier ones. */
  readVerifier(): SignatureVerifier;
  /** The current key's public key as a line with its newline; undefined for OpenPGP keys. */
  publicKey(): string | undefined;
}

/** Returns the signer of some keys, or undefined when nothing is signed. */
export function loadSigner(paths: SigningKeyPaths): CommitSigner | undefined {
  const { signingKeyPath, rotatedSigningKeyPaths } = paths;
  if (signingKeyPath === "") return undefined;
  const current = new KeyFile(signingKeyPath);
  const all = [current, ...rotatedSigningKeyPaths.map((path) => new KeyFile(path))];
  return {
    sign: async (content, date) => sign(current.read(), content, date),
    readVerifier: () => {
      const keys = all.map((file) => file.read());
      return (content, signature) => keys.some((key) => verifies(key, content, signature));
    },
    publicKey: () => {
      const { openssh } = current.read();
      return openssh && opensshPublicLine(openssh);
    },
  };
}

interface SigningKey {
  readonly openssh?: OpensshPrivateKey;
  readonly openpgp?: OpenpgpKey;
}

async function sign(key: SigningKey, content: Uint8Array, date: Date): Promise<Buffer> {
  const { openssh, openpgp } = key;
  const pieces: Buffer[] = [];
  if (openssh !== undefined) pieces.push(await signSsh(openssh, content));
  if (openpgp !== undefined) pieces.push(await signOpenpgp(openpgp, content, seconds(date)));
  return Buffer.concat([...pieces, Buffer.from("\n")]);
}

function verifies({ openssh, openpgp }: SigningKey, content: Buffer, signature: Buffer): boolean {
  if (openssh !== undefined) return isSshSignature(opensshPublicLine(openssh), signature, content);
  if (openpgp === undefined) return false;
  return isOpenpgpSignature(openpgp, signature, content, seconds(new Date()));
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

/** A file with a key, read when it is needed and not again before it changes. */
class KeyFile {
  readonly #path: string;
  #state = "";
  #key: SigningKey | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  read(): SigningKey {
    const state = this.#currentState();
    if (this.#key === undefined || state !== this.#state) {
      this.#key = parseKey(this.#content());
      this.#state = state;
    }
    return this.#key;
  }

  #currentState(): string {
    return this.#opened(() => {
      const { ino, size, mtimeMs, ctimeMs } = statSync(this.#path);
      return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
    });
  }

  #content(): Buffer {
    return this.#opened(() => readFileSync(this.#path));
  }

  #opened<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const text = systemErrorText(error).replace(/^stat /, "open ");
      throw new SigningKeyError(`open file: ${text}`, error);
    }
  }
}

function parseKey(content: Buffer): SigningKey {
  const text = content.toString("latin1");
  if (isOpensshKey(text)) return { openssh: parseOpensshKey(text) };
  try {
    return { openpgp: parseOpenpgpKey(content) };
  } catch (error) {
    if (!(error instanceof OpenpgpKeyError)) throw error;
    throw new SigningKeyError(`read entity: ${error.message}`, error);
  }
}
