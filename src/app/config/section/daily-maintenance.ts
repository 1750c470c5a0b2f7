import { formatDuration } from "../../../base/text/duration-text.ts";
import { quoteText } from "../../../base/text/quote-text.ts";
import { at, type Problem, under, unlessWithin } from "../problem.ts";
import { count, duration, type Fields, texts, truth } from "../shape.ts";
import type { StorageSettings } from "./storage.ts";

/** `[daily_maintenance]`: when repositories are tidied, in the server's local time. */
export interface DailyMaintenanceSettings {
  readonly startHour: number;
  readonly startMinute: number;
  readonly durationMs: number;
  readonly storages: readonly string[];
  readonly disabled: boolean;
}

export const DAILY_MAINTENANCE_DEFAULTS: DailyMaintenanceSettings = {
  startHour: 0,
  startMinute: 0,
  durationMs: 0,
  storages: [],
  disabled: false,
};

export const DAILY_MAINTENANCE_FIELDS: Fields<DailyMaintenanceSettings> = {
  startHour: count("start_hour"),
  startMinute: count("start_minute"),
  durationMs: duration("duration"),
  storages: texts("storages"),
  disabled: truth("disabled"),
};

const DAY_MS = 24 * 60 * 60 * 1000;

/** A section that says nothing means ten minutes at noon for all storages. */
export function completeDailyMaintenance(
  settings: DailyMaintenanceSettings,
  storages: readonly StorageSettings[],
): DailyMaintenanceSettings {
  if (!isUntouched(settings)) return settings;
  return {
    startHour: 12,
    startMinute: 0,
    durationMs: 10 * 60 * 1000,
    storages: storages.map(({ name }) => name),
    disabled: false,
  };
}

function isUntouched(settings: DailyMaintenanceSettings): boolean {
  const { startHour, startMinute, durationMs, disabled } = settings;
  // An empty list in the document is another array than the default: it means "no storage".
  const hasNoList = settings.storages === DAILY_MAINTENANCE_DEFAULTS.storages;
  return hasNoList && startHour === 0 && startMinute === 0 && durationMs === 0 && !disabled;
}

export function checkDailyMaintenance(
  settings: DailyMaintenanceSettings,
  known: readonly StorageSettings[],
): readonly Problem[] {
  if (settings.disabled) return [];
  const { startHour, startMinute, durationMs, storages } = settings;
  return [
    ...at("start_hour", unlessWithin(startHour, 0, 23)),
    ...at("start_minute", unlessWithin(startMinute, 0, 59)),
    ...at("duration", unlessWithin(durationMs, 0, DAY_MS, formatDuration)),
    ...storages.flatMap((storage, index) => {
      if (known.some(({ name }) => name === storage)) return [];
      return under("storages", at(`[${index}]`, `doesn't exist: ${quoteText(storage)}`));
    }),
  ];
}
