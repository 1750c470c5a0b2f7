/** `true` for an error of the operating system, as Node throws it: a file that can't be read, say. */
export function isSystemError(error: unknown): error is Error & { readonly syscall: unknown } {
  return error instanceof Error && "syscall" in error;
}
