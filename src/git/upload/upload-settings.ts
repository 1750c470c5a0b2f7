import type { ConfigEntry } from "../config/config-entry.ts";
import { GitConfig, parseConfigBoolean } from "../config/git-config.ts";
import type { CommandSetting } from "../receive/receive-settings.ts";
import { binaryFromText } from "../ref/binary-string.ts";
import { HiddenRefs } from "../ref/hidden-refs.ts";

/** What the configuration says about what is shown to clients that fetch (git-config: `uploadpack`). */
export interface UploadSettings {
  readonly hiddenRefs: HiddenRefs;
  readonly allowsFilter: boolean;
  /** Whether clients may ask for objects by id that no reference names. */
  readonly allowsAnyOid: boolean;
  /** Whether clients may ask where bundles are. */
  readonly advertisesBundles: boolean;
}

/** Settings that are understood here. */
const KNOWN: ReadonlySet<string> = new Set([
  "uploadpack.hiderefs",
  "uploadpack.allowfilter",
  "uploadpack.allowanysha1inwant",
  "uploadpack.advertisebundleuris",
  "transfer.hiderefs",
  "transfer.fsckobjects",
  "transfer.unpacklimit",
  "extensions.objectformat",
  "extensions.refstorage",
]);

/** What git also looks at: whatever of it isn't known here is left to git. */
const SECTIONS =
  /^(?:uploadpack|transfer|lsrefs|include|includeif|extensions|promisor)\.|^remote\..*\.(?:promisor|partialclonefilter)$/s;

/**
 * Evaluates a repository's own configuration together with what is given to the command. Undefined
 * when it asks for something unusual or isn't valid, which is left to git.
 */
export function uploadSettings(
  repository: readonly ConfigEntry[],
  command: readonly CommandSetting[],
): UploadSettings | undefined {
  const given = command.map(({ key, value }) => ({
    name: key.toLowerCase(),
    value: binaryFromText(value),
  }));
  const config = new GitConfig([...repository, ...given]);
  if (config.entries.some(({ name }) => SECTIONS.test(name) && !KNOWN.has(name))) return undefined;
  const isOn = (name: string): boolean | undefined => {
    const values = config.getAll(name).map(parseConfigBoolean);
    return values.includes(undefined) ? undefined : (values.at(-1) ?? false);
  };
  const allowsFilter = isOn("uploadpack.allowfilter");
  const allowsAnyOid = isOn("uploadpack.allowanysha1inwant");
  const advertisesBundles = isOn("uploadpack.advertisebundleuris");
  if (allowsFilter === undefined || allowsAnyOid === undefined) return undefined;
  if (advertisesBundles === undefined) return undefined;
  const hidden = hiddenRefs(config);
  if (hidden === undefined) return undefined;
  return { hiddenRefs: new HiddenRefs(hidden), allowsFilter, allowsAnyOid, advertisesBundles };
}

function hiddenRefs(config: GitConfig): string[] | undefined {
  const found: string[] = [];
  for (const { name, value } of config.entries) {
    if (name !== "transfer.hiderefs" && name !== "uploadpack.hiderefs") continue;
    if (value === null) return undefined;
    found.push(value);
  }
  return found;
}
