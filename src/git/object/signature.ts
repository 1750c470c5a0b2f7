import type { ObjectFormat } from "../oid/oid.ts";
import { isTextAt, nextLine } from "./byte-text.ts";

const NEWLINE = 0x0a;
const SPACE = 0x20;

/** A signed object taken apart. */
export interface SignedContent {
  /** The armored signature with its newlines. */
  readonly signature: Buffer;
  /** The bytes that were signed. */
  readonly payload: Buffer;
}

/** Header that holds a commit's signature over its form in each object format. */
export const SIGNATURE_HEADER: Readonly<Record<ObjectFormat, string>> = {
  sha1: "gpgsig",
  sha256: "gpgsig-sha256",
};

/**
 * Takes the signature out of a commit, as `git verify-commit` does, or returns `undefined` when it
 * isn't signed for `format`.
 *
 * The payload leaves out signatures for the other object format too. Several headers of the
 * format's own kind add up to one signature.
 */
export function splitCommitSignature(
  content: Buffer,
  format: ObjectFormat,
): SignedContent | undefined {
  const own = `${SIGNATURE_HEADER[format]} `;
  const signature: Buffer[] = [];
  const payload: Buffer[] = [];
  let part: CommitPart = "payload";
  for (let line = 0, next = 0; line < content.length; line = next) {
    next = nextLine(content, line);
    const continued = part !== "payload" && content[line] === SPACE;
    if (!continued) part = partAt(content, line, own);
    const text = content.subarray(line + prefixLength(part, continued, own), next);
    if (part === "signature") signature.push(text);
    if (part === "payload") payload.push(text);
    if (part === "message") {
      payload.push(content.subarray(line));
      break;
    }
  }
  if (signature.length === 0) return undefined;
  return { signature: Buffer.concat(signature), payload: Buffer.concat(payload) };
}

/** What a line of a commit belongs to; `foreign` is a signature for the other object format. */
type CommitPart = "payload" | "signature" | "foreign" | "message";

function partAt(content: Buffer, line: number, own: string): CommitPart {
  if (content[line] === NEWLINE) return "message";
  if (isTextAt(content, line, own)) return "signature";
  return isTextAt(content, line, "gpgsig") ? "foreign" : "payload";
}

function prefixLength(part: CommitPart, continued: boolean, own: string): number {
  if (part !== "signature") return 0;
  return continued ? 1 : own.length;
}

/** First lines of the armors that git knows. */
const ARMORS = [
  "-----BEGIN PGP SIGNATURE-----",
  "-----BEGIN PGP MESSAGE-----",
  "-----BEGIN SIGNED MESSAGE-----",
  "-----BEGIN SSH SIGNATURE-----",
] as const;

/**
 * Where the signature at the end of a tag begins: the last line that opens an armor, as for git.
 * The content's length when there is none.
 */
export function tagSignatureOffset(content: Buffer): number {
  let match = content.length;
  for (let line = 0; line < content.length; line = nextLine(content, line)) {
    if (ARMORS.some((armor) => isTextAt(content, line, armor))) match = line;
  }
  return match;
}

/**
 * Takes the signature off the end of a tag, as `git verify-tag` does, or returns `undefined` when
 * there is none.
 *
 * A tag of a repository that is kept in both object formats may also carry a `gpgsig` header for
 * the other one, which isn't part of what was signed.
 */
export function splitTagSignature(content: Buffer): SignedContent | undefined {
  const offset = tagSignatureOffset(content);
  if (offset === content.length) return undefined;
  return {
    signature: content.subarray(offset),
    payload: withoutSignatureHeaders(content.subarray(0, offset)),
  };
}

function withoutSignatureHeaders(content: Buffer): Buffer {
  const kept: Buffer[] = [];
  let dropping = false;
  for (let line = 0, next = 0; line < content.length; line = next) {
    next = content[line] === NEWLINE ? content.length : nextLine(content, line);
    if (content[line] !== SPACE || !dropping) dropping = isSignatureHeader(content, line);
    if (!dropping) kept.push(content.subarray(line, next));
  }
  return Buffer.concat(kept);
}

function isSignatureHeader(content: Buffer, line: number): boolean {
  return isTextAt(content, line, "gpgsig ") || isTextAt(content, line, "gpgsig-sha256 ");
}
