import type { ConfigPair } from "../../gitcmd/git-command.ts";

/** Keeps git from offering bundles that do not exist. */
export const NO_BUNDLE_URI: readonly ConfigPair[] = [
  { key: "uploadpack.advertiseBundleURIs", value: "false" },
];

/** The one bundle that a repository has. */
export const BUNDLE_ID = "default";

/**
 * Has git offer a bundle (git-config: `bundle.*`). Its creation token is always the same: a client
 * that has downloaded one doesn't download the next one, of which it has most already.
 */
export function bundleUriConfig(url: string): readonly ConfigPair[] {
  return [
    { key: "bundle.version", value: "1" },
    { key: "bundle.mode", value: "all" },
    { key: "bundle.heuristic", value: "creationToken" },
    { key: `bundle.${BUNDLE_ID}.uri`, value: url },
    { key: `bundle.${BUNDLE_ID}.creationToken`, value: "1" },
    { key: "uploadpack.advertiseBundleURIs", value: "true" },
  ];
}
