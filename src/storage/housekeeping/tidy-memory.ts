import { type Dirent, statSync } from "node:fs";
import { binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { FolderListings } from "../file/folder-listings.ts";
import type { RepositoryState } from "./optimization-plan.ts";

/** Repositories that are remembered; the oldest memory makes room. */
const REPOSITORIES_MAX = 1000;

/** Folders of a repository beyond which it isn't remembered. */
const FOLDERS_MAX = 500;

/** How long a memory counts: files become old without any change. */
const MEMORY_MS = 10 * 60_000;

/** A change this close to the look at a folder may not show in the folder's time. */
const SETTLED_MS = 2000;

/** Files whose content or time is looked at, below the repository. */
const FILES = [
  "config",
  "packed-refs",
  "objects/info/alternates",
  "objects/info/commit-graph",
  "objects/info/commit-graphs/commit-graph-chain",
  ".gitaly-full-repack-timestamp",
];

/** What is removed when it has become old enough. */
const TRANSIENT = /^tmp_|\.lock$|\.keep$|\.new$|[0-9a-f]{16}$/s;

interface Memory {
  readonly lookedMs: number;
  readonly state: RepositoryState;
  /** What tells the present content of each folder and file from others. */
  readonly versions: ReadonlyMap<string, string>;
}

/** What was seen in a repository. */
export interface Sight {
  readonly state: RepositoryState;
  readonly listings: FolderListings;
}

/**
 * Remembers what was seen in repositories in which there was nothing to do, until one of their
 * folders changes: git puts every file in its place by a new name, which changes the folder's time.
 *
 * Repositories are left out in which something may have to be done merely because it becomes old:
 * loose objects, files of references, whatever looks temporary.
 */
export class TidyMemory {
  readonly #memories = new Map<string, Memory>();

  /** @param lookedMs when the look at the repository began */
  remember(path: string, lookedMs: number, { state, listings }: Sight): void {
    this.#memories.delete(path);
    const folders = listings.all;
    if (folders === undefined || folders.size > FOLDERS_MAX || agesBadly(state, folders)) return;
    const versions = new Map<string, string>();
    const files = FILES.map((name) => `${binaryFromText(path)}/${name}`);
    for (const place of [...folders.keys(), ...files]) {
      const version = versionOf(place, lookedMs - SETTLED_MS);
      if (version === undefined) return;
      versions.set(place, version);
    }
    this.#memories.set(path, { lookedMs, state, versions });
    for (const oldest of this.#memories.keys()) {
      if (this.#memories.size <= REPOSITORIES_MAX) break;
      this.#memories.delete(oldest);
    }
  }

  /** What was seen, when it would be seen again. */
  recall(path: string, nowMs: number): RepositoryState | undefined {
    const memory = this.#memories.get(path);
    if (memory === undefined) return undefined;
    const ageMs = nowMs - memory.lookedMs;
    if (ageMs >= 0 && ageMs < MEMORY_MS && isUnchanged(memory.versions)) return memory.state;
    this.#memories.delete(path);
    return undefined;
  }
}

function agesBadly(
  { looseObjects, references, packfiles }: RepositoryState,
  folders: ReadonlyMap<string, readonly Dirent[]>,
): boolean {
  const young = looseObjects.count + looseObjects.garbageCount + references.looseCount;
  if (young > 0 || packfiles.garbageCount > 0) return true;
  return [...folders.values()].some((entries) => entries.some(({ name }) => TRANSIENT.test(name)));
}

function isUnchanged(versions: ReadonlyMap<string, string>): boolean {
  for (const [place, version] of versions) {
    if (versionOf(place, Number.POSITIVE_INFINITY) !== version) return false;
  }
  return true;
}

/** Undefined when there was a change at the given time or later. */
function versionOf(place: string, settledMs: number): string | undefined {
  const stats = statSync(bytesFromBinary(place), { throwIfNoEntry: false });
  if (stats === undefined) return "missing";
  const { dev, ino, mtimeMs, ctimeMs } = stats;
  if (mtimeMs >= settledMs || ctimeMs >= settledMs) return undefined;
  return `${dev} ${ino} ${mtimeMs} ${ctimeMs}`;
}
