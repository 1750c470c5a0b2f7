import { DomainError } from "../base/error/domain-error.ts";
import { quoteText } from "../base/text/quote-text.ts";
import { RateLimitedError } from "./access/access-check.ts";
import type { HookName } from "./context/hook-name.ts";

/** A hook can't do its work; the message is for the pusher. */
export class HookError extends DomainError {
  constructor(message: string, cause?: unknown) {
    const kind = cause instanceof DomainError && cause.kind !== "unknown" ? cause.kind : "internal";
    super(kind, message, cause === undefined ? {} : { cause });
  }
}

/** Says what was being done when `cause` happened; its message follows if it may be shown. */
export function hookError(doing: string, cause: unknown): HookError {
  return new HookError(cause instanceof DomainError ? `${doing}: ${cause.message}` : doing, cause);
}

/** GitLab refuses the change, or could not be asked. */
export class NotAllowedError extends DomainError {
  /** GitLab's reason, without the prefix that the message has. */
  readonly reason: string;
  readonly userId: string;
  readonly protocol: string;
  readonly changes: Uint8Array;

  constructor(
    reason: string,
    push: { readonly userId: string; readonly protocol: string; readonly changes: Uint8Array },
    cause?: unknown,
  ) {
    const kind = cause instanceof RateLimitedError ? "resource-exhausted" : "permission-denied";
    super(kind, `GitLab: ${reason}`, cause === undefined ? {} : { cause });
    this.reason = reason;
    this.userId = push.userId;
    this.protocol = push.protocol;
    this.changes = push.changes;
  }
}

/** A program of the operator refuses. What it has to say about it was its output. */
export class CustomHookError extends DomainError {
  /** Path of the program. */
  readonly program: string;
  /** 1…255, or -1 when a signal ended it. */
  readonly exitCode: number;

  constructor(program: string, exitCode: number, reason: string) {
    super(
      "permission-denied",
      `executing custom hooks: error executing ${quoteText(program)}: ${reason}`,
    );
    this.program = program;
    this.exitCode = exitCode;
  }
}

/** How the process of a refusing hook ends, and what it prints at the end. */
export interface HookFailure {
  /** -1 becomes 255, as exit statuses do. */
  readonly exitCode: number;
  readonly stderr: string;
}

/**
 * How the process of the refusing hook ends, as the reference server has it.
 *
 * Undefined when the reason is not for the pusher, who then learns only that a hook failed.
 */
export function hookFailure(hook: HookName, error: unknown): HookFailure | undefined {
  if (error instanceof CustomHookError) return { exitCode: error.exitCode, stderr: "" };
  if (hook !== "pre-receive" && hook !== "post-receive") return undefined;
  if (!(error instanceof DomainError)) return undefined;
  if (hook === "pre-receive" && isRateLimited(error)) return undefined;
  return { exitCode: 1, stderr: error.message };
}

function isRateLimited(error: unknown): boolean {
  if (error instanceof RateLimitedError) return true;
  return error instanceof Error && error.cause !== undefined && isRateLimited(error.cause);
}
