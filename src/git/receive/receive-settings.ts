import type { ConfigEntry } from "../config/config-entry.ts";
import { GitConfig, parseConfigBoolean } from "../config/git-config.ts";
import { binaryFromText } from "../ref/binary-string.ts";
import { HiddenRefs } from "../ref/hidden-refs.ts";
import { FSCK_MESSAGE_IDS } from "./fsck-message-ids.ts";

/** What the configuration says about pushes to a repository (git-config: `receive`, `transfer`). */
export interface ReceiveSettings {
  readonly hiddenRefs: HiddenRefs;
  /** Packs of fewer objects are unpacked into loose ones. */
  readonly unpackLimit: number;
  /** Most bytes of a pack; 0 without a limit. */
  readonly maxInputBytes: number;
  /** What is said about objects that aren't as they should be; undefined when nobody looks. */
  readonly fsck: FsckOption | undefined;
  /** Silence after which the client is shown that the push is still worked on; 0 for never. */
  readonly keepAliveSeconds: number;
  readonly deniesDeletes: boolean;
  readonly deletingCurrentBranch: CurrentBranchAction;
  readonly advertisesAtomic: boolean;
  readonly advertisesPushOptions: boolean;
  readonly prefersOffsetDeltas: boolean;
}

/** The option that makes git check objects: `--strict`, or `--strict=ID=TYPE,…`. */
export type FsckOption = `--strict${string}`;

/** What becomes of a push that removes the branch that HEAD names. */
export type CurrentBranchAction = "unconfigured" | "ignore" | "warn" | "refuse";

/** A setting that says how a command takes part in a push, from the most general to the most special. */
export interface CommandSetting {
  readonly key: string;
  /** Text, not a binary string. */
  readonly value: string;
}

/** The number of objects from which git keeps a pack as it is, unless it is told otherwise. */
const UNPACK_LIMIT = 100;

/** Seconds of silence that git allows itself, unless it is told otherwise. */
const KEEP_ALIVE_SECONDS = 5;

/** Makes alternates advertise nothing; any other command has to be run to know what it says. */
const NO_ALTERNATE_REFS = "exit 0 #";

/** Switches that change how a push is received in ways that are left to git, when they are on. */
const UNUSUAL_SWITCHES: readonly string[] = [
  "extensions.worktreeconfig",
  "receive.autogc",
  "receive.denynonfastforwards",
  "receive.updateserverinfo",
  "transfer.advertisesid",
];

/** Settings that are left to git whatever they say. */
const UNUSUAL =
  /^(?:include\.path|includeif\..*|extensions\.partialclone|remote\..*\.(?:promisor|partialclonefilter)|receive\.(?:procreceiverefs|certnonceseed|fsck\.skiplist)|core\.(?:worktree|sharedrepository|logallrefupdates))$/s;

/**
 * Evaluates a repository's own configuration together with what is given to the command.
 *
 * Returns undefined when it asks for something unusual, such as push certificates, or isn't valid:
 * git itself knows what to do, or how to say what is wrong.
 */
export function receiveSettings(
  repository: readonly ConfigEntry[],
  command: readonly CommandSetting[],
): ReceiveSettings | undefined {
  const given = command.map(({ key, value }) => ({
    name: canonicalName(key),
    value: binaryFromText(value),
  }));
  const config = new GitConfig([...repository, ...given]);
  if (isUnusual(config, given)) return undefined;
  const values = new Values(config);
  const settings: ReceiveSettings = {
    hiddenRefs: new HiddenRefs(values.hiddenRefs()),
    unpackLimit: unpackLimit(values),
    maxInputBytes: values.integer("receive.maxinputsize", 0),
    fsck: fsckOption(config, values),
    keepAliveSeconds: values.integer("receive.keepalive", KEEP_ALIVE_SECONDS),
    deniesDeletes: values.boolean("receive.denydeletes", false),
    deletingCurrentBranch: currentBranchAction(config),
    advertisesAtomic: values.boolean("receive.advertiseatomic", true),
    advertisesPushOptions: values.boolean("receive.advertisepushoptions", false),
    prefersOffsetDeltas: values.boolean("repack.usedeltabaseoffset", true),
  };
  return values.areValid ? settings : undefined;
}

/** Section and variable have no case, what stands between them has. */
function canonicalName(key: string): string {
  const first = key.indexOf(".");
  const last = key.lastIndexOf(".");
  if (first === last) return key.toLowerCase();
  return key.slice(0, first).toLowerCase() + key.slice(first, last) + key.slice(last).toLowerCase();
}

function isUnusual(config: GitConfig, given: readonly ConfigEntry[]): boolean {
  // By default git cleans up after a push.
  if (config.get("receive.autogc") === undefined) return true;
  if (config.get("core.alternaterefscommand") !== NO_ALTERNATE_REFS) return true;
  if (config.getBoolean("core.bare") === false) return true;
  if (given.some(({ name }) => name === "core.hookspath")) return true;
  if (UNUSUAL_SWITCHES.some((name) => config.getAll(name).some(isOnOrInvalid))) return true;
  return config.entries.some(({ name }) => UNUSUAL.test(name) || isUnknownFsck(name));
}

function isOnOrInvalid(value: string | null): boolean {
  return parseConfigBoolean(value) !== false;
}

/** Git warns about those that it doesn't know. */
function isUnknownFsck(name: string): boolean {
  const id = fsckId(name);
  return id !== undefined && !FSCK_MESSAGE_IDS.has(id);
}

function fsckId(name: string): string | undefined {
  return /^receive\.fsck\.([^.]*)$/s.exec(name)?.[1];
}

function unpackLimit(values: Values): number {
  const own = values.integer("receive.unpacklimit", -1);
  const general = values.integer("transfer.unpacklimit", -1);
  if (own >= 0) return own;
  return general >= 0 ? general : UNPACK_LIMIT;
}

function fsckOption(config: GitConfig, values: Values): FsckOption | undefined {
  const general = values.boolean("transfer.fsckobjects", false);
  if (!values.boolean("receive.fsckobjects", general)) return undefined;
  const types: string[] = [];
  for (const { name, value } of config.entries) {
    const id = fsckId(name);
    if (id === undefined) continue;
    if (value === null || !/^(?:error|warn|ignore)$/.test(value)) values.areValid = false;
    types.push(`${id}=${value}`);
  }
  return types.length === 0 ? "--strict" : `--strict=${types.join(",")}`;
}

function currentBranchAction(config: GitConfig): CurrentBranchAction {
  const value = config.get("receive.denydeletecurrent");
  if (value === undefined) return "unconfigured";
  const word = (value ?? "true").toLowerCase();
  if (word === "ignore" || word === "warn") return word;
  return parseConfigBoolean(word) === false ? "ignore" : "refuse";
}

/** Takes note of values that git would refuse. */
class Values {
  areValid = true;
  readonly #config: GitConfig;

  constructor(config: GitConfig) {
    this.#config = config;
  }

  boolean(name: string, fallback: boolean): boolean {
    for (const value of this.#config.getAll(name)) {
      if (parseConfigBoolean(value) === undefined) this.areValid = false;
    }
    return this.#config.getBoolean(name) ?? fallback;
  }

  integer(name: string, fallback: number): number {
    if (this.#config.get(name) === undefined) return fallback;
    const value = this.#config.getInteger(name);
    if (value === undefined) this.areValid = false;
    return value ?? fallback;
  }

  hiddenRefs(): string[] {
    const found: string[] = [];
    for (const { name, value } of this.#config.entries) {
      if (name !== "transfer.hiderefs" && name !== "receive.hiderefs") continue;
      if (value === null) this.areValid = false;
      else found.push(value);
    }
    return found;
  }
}
