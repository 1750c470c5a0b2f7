import { systemErrorText } from "../../base/error/system-error-text.ts";
import { internal } from "../../rpc/rpc-error.ts";
import { measureDirectory } from "../../storage/repository/measure-directory.ts";

/** The size of all files below a directory in bytes; a failure says what was being `measured`. */
export async function measureBytes(
  path: string,
  measured: string,
  signal: AbortSignal,
): Promise<number> {
  try {
    return await measureDirectory(path, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    const message = `calculating ${measured} size: walking directory: ${systemErrorText(error)}`;
    throw internal(message, { cause: error });
  }
}

/** The size of all files below a directory in whole KiB, rounded down. */
export async function measureKibibytes(path: string, signal: AbortSignal): Promise<bigint> {
  return BigInt(await measureBytes(path, "directory", signal)) / 1024n;
}
