import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Its time of modification tells housekeeping when everything was last packed anew. */
const FULL_REPACK_FILE = ".gitaly-full-repack-timestamp";

/** Notes that everything in the repository at `path` is, or is about to be, packed anew. */
export function stampFullRepack(path: string): void {
  const stamp = join(path, FULL_REPACK_FILE);
  writeFileSync(stamp, "", { mode: 0o600 });
  const now = new Date();
  utimesSync(stamp, now, now);
}
