import { quoteText } from "../../../base/text/quote-text.ts";
import { at, type Problem, type Reason, under } from "../problem.ts";
import { type Fields, integer, tables, text, texts } from "../shape.ts";

/** One entry that is handed to every git process as `-c key=value`. */
export interface GitConfigEntry {
  readonly key: string;
  readonly value: string;
}

/** `[git]`: the git executable and what it is told. */
export interface GitSettings {
  /** The git to run; empty for the one that belongs to the installation. */
  readonly binPath: string;
  /** How many idle `cat-file` processes are kept; 0 for the built-in number. */
  readonly catfileCacheSize: number;
  readonly config: readonly GitConfigEntry[];
  /** Path of the private key that signs commits made here; empty to sign nothing. */
  readonly signingKey: string;
  /** Keys that signed earlier; only used to verify. */
  readonly rotatedSigningKeys: readonly string[];
  /** Committer of signed commits. */
  readonly committerEmail: string;
  readonly committerName: string;
}

export const GIT_DEFAULTS: GitSettings = {
  binPath: "",
  catfileCacheSize: 0,
  config: [],
  signingKey: "",
  rotatedSigningKeys: [],
  committerEmail: "",
  committerName: "",
};

const ENTRY_FIELDS: Fields<GitConfigEntry> = { key: text("key"), value: text("value") };

export const GIT_FIELDS: Fields<GitSettings> = {
  binPath: text("bin_path"),
  catfileCacheSize: integer("catfile_cache_size"),
  config: tables("config", ENTRY_FIELDS, { key: "", value: "" }),
  signingKey: text("signing_key"),
  rotatedSigningKeys: texts("rotated_signing_keys"),
  committerEmail: text("committer_email"),
  committerName: text("committer_name"),
};

export function checkGit({ config }: GitSettings): readonly Problem[] {
  return config.flatMap((entry) => under("config", at("key", gitConfigKeyReason(entry.key))));
}

/** Why `key` can't be passed to git as the key of a configuration entry. */
export function gitConfigKeyReason(key: string): Reason {
  const quoted = quoteText(key);
  if (key === "") return "not set";
  if (key.includes("=")) return `key ${quoted} cannot contain "="`;
  if (!key.includes(".")) return `key ${quoted} must contain at least one section`;
  if (/^\.|\.$/.test(key)) return `key ${quoted} must not start or end with a dot`;
  // `[*-/]` is a range on purpose: * + , - . /
  if (!/^[0-9A-Za-z]+\.[*-/_:@a-zA-Z0-9]+$/.test(key)) {
    return `key ${quoted} failed regexp validation`;
  }
  return undefined;
}
