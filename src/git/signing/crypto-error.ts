/** Whether an error is one of Node's own about keys and signatures that it can't make sense of. */
export function isCryptoError(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    /^ERR_(?:OSSL|CRYPTO|INVALID)/.test(`${error.code}`)
  );
}
