import type { Logger } from "../../base/log/logger.ts";
import { cleanTemporaryFolder } from "../../storage/housekeeping/clean-temporary-folder.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { atIntervals, type Wait } from "./at-intervals.ts";

interface Needs {
  readonly locator: Pick<RepositoryLocator, "temporaryFolder">;
  readonly storages: readonly { readonly name: string; readonly path: string }[];
  readonly logger: Logger;
}

const INTERVAL_MS = 60 * 60_000;

/**
 * Removes what calls have left in the temporary folders of all storages, at once and every hour,
 * until the signal is aborted.
 */
export async function cleanTemporaryFolders(
  needs: Needs,
  signal: AbortSignal,
  pause?: Wait,
): Promise<void> {
  await atIntervals(() => cleanAll(needs, signal), INTERVAL_MS, signal, pause);
}

/** Storages may share a path, which is looked at once, under the first of their names. */
async function cleanAll({ locator, storages, logger }: Needs, signal: AbortSignal): Promise<void> {
  const seen = new Set<string>();
  for (const { name, path } of storages.toSorted((one, other) =>
    one.name < other.name ? -1 : 1,
  )) {
    if (seen.has(path)) continue;
    seen.add(path);
    const beganMs = performance.now();
    const fields: Record<string, unknown> = { storage: name };
    try {
      await cleanTemporaryFolder(locator.temporaryFolder(name), Date.now(), signal);
    } catch (error) {
      if (signal.aborted) return;
      fields["error"] = error;
    }
    fields["time_ms"] = Math.round(performance.now() - beganMs);
    logger.info("finished tempdir cleaner walk", fields);
  }
}
