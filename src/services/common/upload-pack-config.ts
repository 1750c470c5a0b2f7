import type { ConfigPair } from "../../gitcmd/git-command.ts";

/** Keeps git from offering bundles that do not exist. */
export const NO_BUNDLE_URI: readonly ConfigPair[] = [
  { key: "uploadpack.advertiseBundleURIs", value: "false" },
];
