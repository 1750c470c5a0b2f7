import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../../base/log/logger.ts";
import type { Housekeeping } from "../../storage/housekeeping/housekeeping.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import type { DailyMaintenanceSettings } from "../config/section/daily-maintenance.ts";

interface Needs {
  readonly locator: RepositoryLocator;
  readonly housekeeping: Pick<Housekeeping, "optimize">;
  readonly logger: Logger;
  readonly settings: DailyMaintenanceSettings;
}

/** Time to breathe between two repositories. */
const PAUSE_MS = 1000;

/** Below each storage, the folder that holds what is not a repository. */
const DATA_FOLDER = "+gitaly";

/** Waits; injected so that nobody has to. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

const wait: Wait = async (ms, signal) => {
  await delay(ms, undefined, { signal, ref: false });
};

/** Tidies repositories each day at the set time until the signal is aborted. */
export async function runDailyMaintenance(needs: Needs, signal: AbortSignal): Promise<void> {
  const { settings, logger } = needs;
  while (!signal.aborted) {
    const now = new Date();
    const next = nextStart(settings, now);
    logger.info("maintenance: daily scheduled", { scheduled: next.toISOString() });
    try {
      await wait(next.getTime() - now.getTime(), signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const window = AbortSignal.any([signal, AbortSignal.timeout(settings.durationMs)]);
    const beganMs = performance.now();
    logger.info("maintenance: daily starting", { max_duration_ms: settings.durationMs });
    await tidyStorages(needs, window);
    const durationMs = Math.round(performance.now() - beganMs);
    logger.info("maintenance: daily completed", { actual_duration_ms: durationMs });
  }
}

/** The next time after `now` at which the window opens, in local time. */
export function nextStart(
  { startHour, startMinute }: Pick<DailyMaintenanceSettings, "startHour" | "startMinute">,
  now: Date,
): Date {
  const next = new Date(now);
  next.setHours(startHour, startMinute, 0, 0);
  if (next <= now) next.setDate(next.getDate() + 1);
  return next;
}

/** Tidies the repositories of the set storages one after the other until the window closes. */
export async function tidyStorages(
  { locator, housekeeping, logger, settings }: Needs,
  window: AbortSignal,
  pause: Wait = wait,
): Promise<void> {
  const visited = new Set<string>();
  for (const storageName of shuffled(settings.storages)) {
    const path = locator.storagePath(storageName);
    if (visited.has(path)) continue;
    visited.add(path);
    logger.info("maintenance: optimizing repos in storage", { storage_path: path });
    try {
      for (const repository of repositories(locator, storageName, path)) {
        await pause(PAUSE_MS, window);
        await housekeeping.optimize(repository, { signal: window });
      }
    } catch (error) {
      const fields = { error, storage_path: path };
      logger.error("maintenance: unable to completely walk storage", fields);
    }
  }
}

/** The repositories below a folder, in an order that is another one each day. */
function* repositories(
  locator: RepositoryLocator,
  storageName: string,
  folder: string,
): Generator<LocatedRepository> {
  const root = locator.storagePath(storageName);
  for (const name of shuffled(listFolders(folder))) {
    if (folder === root && name === DATA_FOLDER) continue;
    const path = join(folder, name);
    const found = find(locator, { storageName, relativePath: relative(root, path) });
    if (found === undefined) yield* repositories(locator, storageName, path);
    else yield found;
  }
}

function listFolders(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    // Removed meanwhile.
    return [];
  }
}

function find(
  locator: RepositoryLocator,
  address: { readonly storageName: string; readonly relativePath: string },
): LocatedRepository | undefined {
  try {
    return locator.locate(address);
  } catch {
    return undefined;
  }
}

function shuffled(items: readonly string[]): string[] {
  const drawn = items.map((item) => ({ item, place: Math.random() }));
  drawn.sort((left, right) => left.place - right.place);
  return drawn.map(({ item }) => item);
}
