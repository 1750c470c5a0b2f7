import { urlReason } from "../check/url.ts";
import { at, type Problem, unlessAbsolute, unlessDirectory } from "../problem.ts";
import { type Fields, text, truth } from "../shape.ts";

/** `[offloading]`: large objects that live in object storage. */
export interface OffloadingSettings {
  readonly enabled: boolean;
  /** Where downloads wait; empty for a place below the runtime directory. */
  readonly cacheRoot: string;
  readonly goCloudUrl: string;
}

export const OFFLOADING_DEFAULTS: OffloadingSettings = {
  enabled: false,
  cacheRoot: "",
  goCloudUrl: "",
};

export const OFFLOADING_FIELDS: Fields<OffloadingSettings> = {
  enabled: truth("enabled"),
  cacheRoot: text("cache_root"),
  goCloudUrl: text("go_cloud_url"),
};

/** Reads the disk. */
export function checkOffloading(settings: OffloadingSettings): readonly Problem[] {
  const { enabled, cacheRoot, goCloudUrl } = settings;
  if (!enabled) return [];
  const ofUrl = at("go_cloud_url", urlReason(goCloudUrl));
  if (cacheRoot === "") return ofUrl;
  const missing = unlessDirectory(cacheRoot);
  return [
    ...ofUrl,
    ...at("cache_root", unlessAbsolute(cacheRoot)),
    // The reference server reports a missing directory for the section, not for its key.
    ...(missing === undefined ? [] : [{ key: [], message: missing }]),
  ];
}
