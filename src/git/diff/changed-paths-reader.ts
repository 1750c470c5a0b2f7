import { DiffFormatError, DiffTooLargeError } from "./diff-error.ts";
import { NulFields } from "./nul-fields.ts";

/** Added, copied, deleted, modified, renamed, or of another type than before. */
export type ChangeStatus = "A" | "C" | "D" | "M" | "R" | "T";

/** How a path differs from one of the sides it is compared with. Paths are binary strings. */
export interface ChangedPath {
  readonly status: ChangeStatus;
  readonly path: string;
  /** Empty unless the file was renamed or copied. */
  readonly oldPath: string;
  readonly oldMode: number;
  readonly newMode: number;
  readonly oldBlobId: string;
  readonly newBlobId: string;
  /** The commit that was printed last before it; empty when that wasn't asked for. */
  readonly commitId: string;
}

interface Sources {
  /** Modes and ids of each source, then of the result: all modes, then all ids, then the status. */
  readonly words: readonly string[];
  readonly count: number;
  readonly statuses: readonly ChangeStatus[];
}

/** What stands between two entries is at most an id, more than this is no answer of git. */
const PRELUDE_BYTES_MAX = 64 * 1024;

/**
 * Reads what `git diff-tree -r -z` prints, see "Raw output format" and "Diff format for merges" in
 * git-diff(1). A path of a merge comes once for each parent. Throws DiffFormatError,
 * DiffTooLargeError.
 */
export class ChangedPathsReader {
  readonly #fields = new NulFields();
  readonly #hasCommitIds: boolean;
  #prelude = "";
  #commitId = "";
  #sources: Sources | undefined;
  #oldPath: string | undefined;

  /** @param hasCommitIds whether git prints the id of each commit before its paths */
  constructor(hasCommitIds: boolean) {
    this.#hasCommitIds = hasCommitIds;
  }

  /** Takes what git printed next, and yields what is complete now. */
  *push(chunk: Buffer): Generator<ChangedPath, void, undefined> {
    for (const field of this.#fields.push(chunk)) yield* this.#read(field);
  }

  *#read(field: string): Generator<ChangedPath, void, undefined> {
    const sources = this.#sources;
    if (sources === undefined) {
      this.#begin(field);
    } else if (this.#oldPath === undefined && hasOldPath(sources)) {
      this.#oldPath = field;
    } else {
      const oldPath = this.#oldPath ?? "";
      this.#sources = undefined;
      this.#oldPath = undefined;
      yield* changedPaths(sources, field, oldPath, this.#commitId);
    }
  }

  #begin(field: string): void {
    const colon = field.indexOf(":");
    if (colon < 0) {
      this.#prelude += `${field}\0`;
      if (this.#prelude.length > PRELUDE_BYTES_MAX) throw new DiffTooLargeError(PRELUDE_BYTES_MAX);
      return;
    }
    if (this.#hasCommitIds) {
      const prelude = this.#prelude + field.slice(0, colon);
      const id = prelude.trim().replace(/^\0+|\0+$/g, "");
      if (id.length === 40 || id.length === 64) this.#commitId = id;
    }
    this.#prelude = "";
    this.#sources = parseSources(field.slice(colon));
  }
}

function hasOldPath({ statuses }: Sources): boolean {
  const [status] = statuses;
  return statuses.length === 1 && (status === "R" || status === "C");
}

/** @param text begins with as many colons as there are sources */
function parseSources(text: string): Sources {
  const words = text.replace(/^:+/, "").split(" ");
  const count = text.length - text.replace(/^:+/, "").length;
  // Scores stand behind the letters of renames and copies.
  const statuses = Array.from(words.at(-1) ?? "").filter(isStatus);
  if (words.length !== 2 * count + 3 || statuses.length !== count) {
    const bytes = [...Buffer.from(`${text.slice(1)}\0`, "latin1")].join(" ");
    throw new DiffFormatError(`next path err: git diff-tree parsing failed on: [${bytes}]`);
  }
  return { words, count, statuses };
}

function isStatus(letter: string): letter is ChangeStatus {
  return "ACDMRT".includes(letter);
}

function* changedPaths(
  { words, count, statuses }: Sources,
  path: string,
  oldPath: string,
  commitId: string,
): Generator<ChangedPath, void, undefined> {
  const newMode = parseMode("new", words[count] ?? "");
  const newBlobId = words[2 * count + 1] ?? "";
  for (const [index, status] of statuses.entries()) {
    const oldMode = parseMode("old", words[index] ?? "");
    const oldBlobId = words[count + 1 + index] ?? "";
    yield { status, path, oldPath, oldMode, newMode, oldBlobId, newBlobId, commitId };
  }
}

function parseMode(which: string, digits: string): number {
  if (/^[0-7]{1,10}$/.test(digits)) return Number.parseInt(digits, 8);
  const problem = `strconv.ParseInt: parsing ${JSON.stringify(digits)}: invalid syntax`;
  throw new DiffFormatError(`next path err: parsing ${which} mode: ${problem}`);
}
