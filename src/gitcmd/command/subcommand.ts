import type { ConfigPair } from "../git-command.ts";
import {
  cloneConfig,
  fetchConfig,
  fsckConfig,
  initConfig,
  NO_REDIRECTS,
  packConfig,
  receivePackConfig,
  repackConfig,
  threadsFor,
  uploadPackConfig,
} from "./fixed-config.ts";
import type { GitSubcommand } from "./git-subcommand.ts";

/** What the command line builder has to know about one subcommand. */
export interface SubcommandTraits {
  /** Without hooks such a command would change refs behind the voters' backs: it has to name them. */
  readonly mayUpdateRefs: boolean;
  /** Some commands have parsers of their own, which take `--end-of-options` for a value. */
  readonly endOfOptions: boolean;
  /** The settings this command always runs with, given the number of CPUs. */
  readonly config?: (cpuCount: number) => readonly ConfigPair[];
  /** Takes `--all`, `--not` and their like between its positional arguments. */
  readonly pseudoRevisions?: boolean;
}

const READS: SubcommandTraits = { mayUpdateRefs: false, endOfOptions: true };
const READS_OWN_PARSER: SubcommandTraits = { mayUpdateRefs: false, endOfOptions: false };
const WRITES: SubcommandTraits = { mayUpdateRefs: true, endOfOptions: true };
const WRITES_OWN_PARSER: SubcommandTraits = { mayUpdateRefs: true, endOfOptions: false };

const TRAITS: Readonly<Record<GitSubcommand, SubcommandTraits>> = {
  am: WRITES,
  apply: READS,
  archive: READS_OWN_PARSER,
  blame: READS_OWN_PARSER,
  bundle: { ...READS, config: packConfig },
  "cat-file": READS,
  "check-attr": READS_OWN_PARSER,
  "check-ref-format": READS_OWN_PARSER,
  checkout: WRITES_OWN_PARSER,
  clone: { ...WRITES, config: cloneConfig },
  commit: WRITES,
  "commit-graph": READS,
  "commit-tree": READS,
  config: READS,
  "count-objects": READS,
  diff: READS,
  "diff-pairs": READS,
  "diff-tree": READS,
  "fast-export": READS,
  fetch: { ...WRITES, config: fetchConfig },
  "filter-repo": WRITES_OWN_PARSER,
  "for-each-ref": READS,
  "format-patch": READS,
  fsck: { ...READS, config: () => fsckConfig("fsck") },
  gc: { ...READS, config: packConfig },
  grep: {
    ...READS_OWN_PARSER,
    config: (cpus) => [{ key: "grep.threads", value: threadsFor(cpus) }],
  },
  "hash-object": READS,
  "index-pack": READS_OWN_PARSER,
  init: { ...READS, config: initConfig },
  "last-modified": READS,
  log: READS,
  "ls-remote": { ...READS, config: () => [NO_REDIRECTS] },
  "ls-tree": READS,
  "merge-base": READS,
  "merge-file": READS,
  "merge-tree": READS,
  mktag: READS,
  mktree: READS,
  "multi-pack-index": READS,
  "pack-objects": { ...READS, config: packConfig },
  "pack-refs": READS,
  "patch-id": READS_OWN_PARSER,
  prune: READS,
  "prune-packed": READS,
  push: { ...READS, config: () => [NO_REDIRECTS] },
  "range-diff": READS_OWN_PARSER,
  "read-tree": READS_OWN_PARSER,
  "receive-pack": { ...WRITES, config: receivePackConfig },
  refs: READS,
  remote: { ...WRITES_OWN_PARSER, config: () => [NO_REDIRECTS] },
  repack: { ...READS, config: repackConfig },
  "rev-list": { ...READS_OWN_PARSER, pseudoRevisions: true },
  // Without --verify it prints the option back.
  "rev-parse": READS_OWN_PARSER,
  show: READS,
  "show-index": READS,
  "show-ref": READS,
  "symbolic-ref": WRITES,
  tag: WRITES,
  "unpack-objects": READS_OWN_PARSER,
  "update-ref": WRITES,
  // Takes its first argument for the directory, whatever it is.
  "upload-archive": READS_OWN_PARSER,
  "upload-pack": { ...READS, config: uploadPackConfig },
  version: READS,
  worktree: WRITES,
};

/** What is special about `name`; undefined when it isn't one of ours. */
export function subcommandTraits(name: string): SubcommandTraits | undefined {
  return TRAITS_BY_NAME.get(name);
}

const TRAITS_BY_NAME: ReadonlyMap<string, SubcommandTraits> = new Map(Object.entries(TRAITS));
