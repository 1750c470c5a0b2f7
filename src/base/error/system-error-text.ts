import { getSystemErrorMap } from "node:util";

/** Failures of the operating system for which Node's words differ from the C library's. */
const WORDS: Readonly<Record<string, string>> = {
  EISDIR: "is a directory",
  EADDRNOTAVAIL: "cannot assign requested address",
  EPERM: "operation not permitted",
  ETXTBSY: "text file busy",
};

/**
 * The failure of a system call as the reference server words it: `open /x: permission denied`.
 *
 * Any other error gives its message.
 */
export function systemErrorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { errno, code, syscall, path }: NodeJS.ErrnoException = error;
  if (errno === undefined || code === undefined) return error.message;
  const reason = WORDS[code] ?? getSystemErrorMap().get(errno)?.[1] ?? code;
  if (path === undefined) return syscall === undefined ? reason : `${syscall}: ${reason}`;
  return `${syscall} ${path}: ${reason}`;
}

/** Whether a system call failed because what it was to work on isn't there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
