import { findStats, forEachFile } from "../file/for-each-file.ts";

/**
 * Adds up the sizes in bytes of all files below a directory; directories themselves count nothing,
 * and nor does what vanishes meanwhile.
 */
export async function measureDirectory(path: string, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  const add = (file: string): void => {
    bytes += findStats(file)?.size ?? 0;
  };
  await forEachFile(path, add, signal);
  return bytes;
}
