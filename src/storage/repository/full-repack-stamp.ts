import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Its time of modification tells housekeeping when everything was last packed anew. */
const FULL_REPACK_FILE = ".gitaly-full-repack-timestamp";

/** Notes that everything in the repository at `path` is, or is about to be, packed anew. */
export async function stampFullRepack(path: string): Promise<void> {
  const stamp = join(path, FULL_REPACK_FILE);
  await writeFile(stamp, "", { mode: 0o600 });
  const now = new Date();
  await utimes(stamp, now, now);
}
