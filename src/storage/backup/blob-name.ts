/**
 * Replaces characters that a storage can't have in names, in the way of Go CDK: `/` becomes
 * `__0x2f__`.
 */
export function escapeBlobName(name: string, escaped: RegExp): string {
  return name.replaceAll(escaped, (found) => `__0x${found.charCodeAt(0).toString(16)}__`);
}

/** Undoes `escapeBlobName`. */
export function unescapeBlobName(name: string): string {
  return name.replaceAll(/__0x([0-9a-f]{1,2})__/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
