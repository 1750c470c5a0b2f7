import type { RequestMetadata } from "../../rpc/call.ts";

const PREFIX = "gitaly-feature-";

/** The feature flags that a client sends as metadata, by their name with underscores. */
export function featureFlags(metadata: RequestMetadata): ReadonlyMap<string, boolean> {
  const flags = new Map<string, boolean>();
  for (const key of metadata.keys()) {
    if (!key.startsWith(PREFIX)) continue;
    const value = metadata.get(key);
    if (value !== "true" && value !== "false") continue;
    flags.set(key.slice(PREFIX.length).replaceAll("-", "_"), value === "true");
  }
  return flags;
}
