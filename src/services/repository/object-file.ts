const PATTERNS: readonly RegExp[] = [
  /\/[0-9A-Fa-f]{2}\/(?:[0-9A-Fa-f]{38}|[0-9A-Fa-f]{62})$/,
  /\/pack\/pack-(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})\.(?:pack|idx)$/,
];

/** Whether a path is that of a loose object, a pack or its index. */
export function isObjectFile(path: string): boolean {
  return PATTERNS.some((pattern) => pattern.test(path));
}
