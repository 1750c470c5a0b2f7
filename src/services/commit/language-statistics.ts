import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateText, inflateText } from "../../git/pack/zlib-text.ts";
import { writeFileAtomically } from "../../storage/file/write-file-atomically.ts";

/** Where a repository keeps its statistics, in the format of the reference server. */
const FILE_NAME = "gitaly-language.stats";
const VERSION = "v3:gitaly";

/** Longer ones are computed anew. */
const TEXT_BYTES_MAX = 256 * 1024 * 1024;

type Bytes = Record<string, number>;

interface Stored {
  readonly version: string;
  readonly commit_id: string;
  readonly totals: Bytes;
  readonly by_file: Record<string, Bytes>;
}

/** How many bytes of each language the files of a commit have. */
export class LanguageStatistics {
  /** The commit that the numbers are about; empty when there are none yet. */
  commitId = "";
  readonly totals: Map<string, number> = new Map();
  readonly #byFile = new Map<string, readonly [language: string, bytes: number][]>();

  /** Reads what a repository has kept, if that is of use. */
  static async load(repositoryPath: string): Promise<LanguageStatistics> {
    const statistics = new LanguageStatistics();
    try {
      const bytes = await readFile(join(repositoryPath, FILE_NAME));
      const stored: Stored = JSON.parse(inflateText(bytes, TEXT_BYTES_MAX));
      if (stored.version !== VERSION) return statistics;
      statistics.#fill(stored);
      return statistics;
    } catch {
      // Statistics that can't be read are computed anew.
      return new LanguageStatistics();
    }
  }

  /** Counts a file, in the place of what was counted for it. */
  add(path: string, language: string, bytes: number): void {
    this.#subtract(path);
    this.#byFile.set(path, [[language, bytes]]);
    if (bytes > 0) this.totals.set(language, (this.totals.get(language) ?? 0) + bytes);
  }

  /** Forgets a file. */
  drop(path: string): void {
    this.#subtract(path);
    this.#byFile.delete(path);
  }

  /** Forgets everything. */
  clear(): void {
    this.totals.clear();
    this.#byFile.clear();
  }

  async save(repositoryPath: string, commitId: string): Promise<void> {
    this.commitId = commitId;
    const stored: Stored = {
      version: VERSION,
      commit_id: commitId,
      totals: Object.fromEntries(this.totals),
      by_file: Object.fromEntries(
        [...this.#byFile].map(([path, languages]) => [path, Object.fromEntries(languages)]),
      ),
    };
    const text = `${JSON.stringify(stored)}\n`;
    await writeFileAtomically(join(repositoryPath, FILE_NAME), deflateText(text));
  }

  #fill({ commit_id: commitId, totals, by_file: byFile }: Stored): void {
    this.commitId = `${commitId}`;
    for (const [language, bytes] of Object.entries(totals))
      this.totals.set(language, Number(bytes));
    for (const [path, languages] of Object.entries(byFile)) {
      this.#byFile.set(path, Object.entries(languages));
    }
  }

  #subtract(path: string): void {
    for (const [language, bytes] of this.#byFile.get(path) ?? []) {
      const left = (this.totals.get(language) ?? 0) - bytes;
      if (left > 0) this.totals.set(language, left);
      else this.totals.delete(language);
    }
  }
}
