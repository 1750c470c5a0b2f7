import { join } from "node:path";
import { formatDuration } from "../../../base/text/duration-text.ts";
import { at, type Problem, unlessAbsolute, unlessAtLeast } from "../problem.ts";
import { duration, type Fields, integer, text, truth } from "../shape.ts";
import type { StorageSettings } from "./storage.ts";

/** `[pack_objects_cache]` and `[archive_cache]`: streams kept on disk for those who ask again. */
export interface StreamCacheSettings {
  readonly enabled: boolean;
  /** The producer waits for its readers. */
  readonly backpressure: boolean;
  readonly dir: string;
  readonly maxAgeMs: number;
  /** How often something must be asked for before it is kept. */
  readonly minOccurrences: number;
}

export const ARCHIVE_CACHE_DEFAULTS: StreamCacheSettings = {
  enabled: false,
  backpressure: false,
  dir: "",
  maxAgeMs: 0,
  minOccurrences: 0,
};

export const PACK_OBJECTS_CACHE_DEFAULTS: StreamCacheSettings = {
  ...ARCHIVE_CACHE_DEFAULTS,
  backpressure: true,
  minOccurrences: 1,
};

export const STREAM_CACHE_FIELDS: Fields<StreamCacheSettings> = {
  enabled: truth("enabled"),
  backpressure: truth("backpressure"),
  dir: text("dir"),
  maxAgeMs: duration("max_age"),
  minOccurrences: integer("min_occurrences"),
};

/** A cache that is switched on lives for five minutes below the first storage. */
export function completeStreamCache(
  cache: StreamCacheSettings,
  name: string,
  [storage]: readonly StorageSettings[],
): StreamCacheSettings {
  if (!cache.enabled) return cache;
  const usual = storage === undefined ? "" : join(storage.path, "+gitaly", name);
  return { ...cache, maxAgeMs: cache.maxAgeMs || 5 * 60 * 1000, dir: cache.dir || usual };
}

export function checkStreamCache(cache: StreamCacheSettings): readonly Problem[] {
  if (!cache.enabled) return [];
  return [
    ...at("dir", unlessAbsolute(cache.dir)),
    ...at("max_age", unlessAtLeast(cache.maxAgeMs, 0, formatDuration)),
  ];
}
