/** Memory for what a commit changed in a folder, roughly; beyond it, for each name. */
const COMMIT_BYTES = 48;
const NAME_BYTES = 8;

/** Memory for a folder beside its path, roughly. */
const FOLDER_BYTES = 256;

/** Names that are told apart; a commit that changes more may have changed any. */
const NAMES_MAX = 32;

/** Memory for all folders of a history. */
const BYTES_MAX = 48 * 1024 * 1024;

/** Names as `hashName` makes them: only one, several, or any that there may be. */
type Names = number | readonly number[] | "any";

/** Which names in one folder commits changed from what their first parents have there. */
export class FolderChanges {
  readonly path: string;
  /** Memory that all of it takes. */
  bytes: number;
  readonly #commits = new Map<number, Names>();

  constructor(path: string) {
    this.path = path;
    this.bytes = FOLDER_BYTES + path.length;
  }

  /** Whether a commit may have changed a name; `undefined` when nothing is known of the commit. */
  mayChange(commit: number, name: number): boolean | undefined {
    const names = this.#commits.get(commit);
    return names === undefined ? undefined : includes(names, name);
  }

  set(commit: number, changed: readonly number[]): void {
    const [first] = changed;
    const isOne = first !== undefined && changed.length === 1;
    const some = changed.length > NAMES_MAX ? "any" : changed;
    this.#commits.set(commit, isOne ? first : some);
    this.bytes += COMMIT_BYTES + Math.min(changed.length, NAMES_MAX) * NAME_BYTES;
  }
}

function includes(names: Names, name: number): boolean {
  return typeof names === "object" ? names.includes(name) : names === name || names === "any";
}

/**
 * What commits changed in folders that were asked about, compared with their first parents.
 *
 * A history doesn't change, so what was seen once stays right: the next walk for another path needs
 * no trees to pass by commits that leave it alone. Numbers of commits are those of a `CommitStore`.
 */
export class ChangedNames {
  readonly #folders = new Map<string, FolderChanges>();
  readonly #charge: (bytes: number) => void;
  #bytes = 0;

  /** `charge` is told how much memory is taken, or given back. */
  constructor(charge: (bytes: number) => void) {
    this.#charge = charge;
  }

  /** What is known of a folder, whose path may be a text of any kind. */
  in(path: string): FolderChanges {
    const known = this.#folders.get(path);
    const folder = known ?? new FolderChanges(path);
    if (known === undefined) this.#take(folder.bytes);
    // Moved to the end: what nobody asks for is forgotten first.
    this.#folders.delete(path);
    this.#folders.set(path, folder);
    return folder;
  }

  /** Notes what a commit changed in a folder. */
  note(folder: FolderChanges, commit: number, changed: readonly number[]): void {
    this.#makeRoom(folder);
    // Whoever still holds a folder that was forgotten does without.
    if (this.#bytes > BYTES_MAX || this.#folders.get(folder.path) !== folder) return;
    const { bytes } = folder;
    folder.set(commit, changed);
    this.#take(folder.bytes - bytes);
  }

  #makeRoom(kept: FolderChanges): void {
    for (const folder of this.#folders.values()) {
      if (this.#bytes <= BYTES_MAX) return;
      if (folder === kept) continue;
      this.#folders.delete(folder.path);
      this.#take(-folder.bytes);
    }
  }

  #take(bytes: number): void {
    this.#bytes += bytes;
    this.#charge(bytes);
  }
}
