import { DomainError, type ErrorKind } from "../../base/error/domain-error.ts";
import { quoteBytes } from "../../base/text/quote-bytes.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";
import type { HookName } from "../context/hook-name.ts";

/** What a hook has printed before it failed, binary strings. */
export interface HookPrint {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * A program of the operator has refused a change.
 *
 * Its own words are the message, unchanged after the prefix: GitLab looks for marks in them.
 */
export class RefusedByHookError extends DomainError {
  readonly hook: HookName;
  readonly print: HookPrint;

  constructor(hook: HookName, print: HookPrint, cause: DomainError) {
    super(cause.kind, `running ${hook} hooks: ${said(print) ?? cause.message}`, { cause });
    this.hook = hook;
    this.print = print;
  }

  /** The program's own words, or what became of it when it has said nothing. */
  get reason(): string {
    return this.message.slice(`running ${this.hook} hooks: `.length);
  }
}

function said({ stdout, stderr }: HookPrint): string | undefined {
  const text = [stderr, stdout].find((print) => print.trim() !== "");
  return text === undefined ? undefined : textFromBinary(text);
}

/** Something in the course of a change has failed; the message tells what was being done. */
export class ChangeError extends DomainError {
  constructor(doing: string, cause: unknown, print: HookPrint = { stdout: "", stderr: "" }) {
    super(kindOf(cause), `${doing}${reasonOf(cause)}${printed(print)}`, { cause });
  }
}

function kindOf(cause: unknown): ErrorKind {
  return cause instanceof DomainError ? cause.kind : "unknown";
}

function reasonOf(cause: unknown): string {
  return cause instanceof DomainError ? `: ${cause.message}` : "";
}

function printed({ stdout, stderr }: HookPrint): string {
  if (stderr.trim() !== "") return `, stderr: ${quoteBytes(bytesFromBinary(stderr))}`;
  if (stdout.trim() !== "") return `, stdout: ${quoteBytes(bytesFromBinary(stdout))}`;
  return "";
}

/** A reference that is to change. */
export interface ReferenceChange {
  /** A full name, a binary string. */
  readonly name: string;
  /** The zero id for a reference that must not exist. */
  readonly oldOid: Oid;
  /** The zero id for a reference that is to be deleted. */
  readonly newOid: Oid;
}

/** The reference couldn't be changed: it isn't what the caller expects, say, or is locked. */
export class ReferenceChangeError extends DomainError {
  readonly change: ReferenceChange;

  constructor(change: ReferenceChange, cause: unknown) {
    super("unknown", `reference update${reasonOf(cause)}`, { cause });
    this.change = change;
  }
}
