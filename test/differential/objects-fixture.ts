import type { TestRepository } from "../../src/testing/git-repository.ts";
import type { Random } from "./objects-random.ts";

/** What shapes a generated history. */
export interface HistoryShape {
  readonly commits: number;
  /** One commit in so many has a time before its parents'. */
  readonly skewOneIn: number;
  /** One commit in so many is a merge; one merge in five has more than two parents. */
  readonly mergeOneIn: number;
  /** One commit in so many starts a history of its own. */
  readonly rootOneIn: number;
}

const DEFAULT_SHAPE: HistoryShape = { commits: 120, skewOneIn: 6, mergeOneIn: 4, rootOneIn: 40 };

/** Names as fast-import quotes them: with blanks, bytes that aren't UTF-8, and awkward orders. */
const PATHS = [
  "README",
  "src/main.c",
  "src/main",
  "src/main/deep/er/file",
  "src-x/file",
  "src.d/file",
  '"docs/caf\\303\\251.md"',
  '"bytes/\\377\\376"',
  '"with blank/a b"',
  "zeta",
] as const;

/**
 * Fills a repository with a random history: merges, criss-crosses, octopuses, several roots, times
 * out of order, symbolic links, submodules, empty trees, empty commits, tags of everything.
 *
 * Every commit is reachable from a branch called `all`, or one of the tags.
 */
export function generateHistory(
  repository: TestRepository,
  random: Random,
  options: Partial<HistoryShape> = {},
): void {
  const writer = new HistoryWriter(repository, random, { ...DEFAULT_SHAPE, ...options });
  repository.git(["fast-import", "--quiet", "--force"], { input: writer.write() });
  const first = repository.gitLines(["rev-list", "--max-parents=0", "--branches"])[0] ?? "";
  const tree = repository.gitLine(["rev-parse", `${first}^{tree}`]);
  repository.git(["tag", "-f", "-a", "-m", "a commit", "annotated", first]);
  repository.git(["tag", "-f", "-a", "-m", "a tag", "nested", "annotated"]);
  repository.git(["tag", "-f", "-a", "-m", "a tree", "of-tree", tree]);
  const blob = repository.gitLine(["hash-object", "-w", "--stdin"], { input: "only tagged" });
  repository.git(["tag", "-f", "-a", "-m", "a blob", "of-blob", blob]);
}

class HistoryWriter {
  readonly #random: Random;
  readonly #shape: HistoryShape;
  readonly #submodule: string;
  readonly #parts: string[] = [];
  /** Times of the commits so far, by their marks. */
  readonly #times: number[] = [];

  constructor(repository: TestRepository, random: Random, shape: HistoryShape) {
    this.#random = random;
    this.#shape = shape;
    this.#submodule = "5".repeat(repository.format === "sha1" ? 40 : 64);
  }

  write(): string {
    for (let i = 0; i < this.#shape.commits; i++) this.#writeCommit(i);
    const tips = this.#times.map((_, i) => i).slice(-8);
    for (const tip of tips) this.#parts.push(`reset refs/heads/tip-${tip}\nfrom :${tip + 1}\n\n`);
    return this.#parts.join("");
  }

  #writeCommit(index: number): void {
    const random = this.#random;
    const parents = this.#chooseParents(index);
    const newest = Math.max(1_600_000_000, ...parents.map((parent) => this.#times[parent] ?? 0));
    const skew = random.oneIn(this.#shape.skewOneIn)
      ? -random.below(100_000)
      : random.below(5) * 60;
    const time = newest + skew;
    this.#times.push(time);
    const message = `commit ${index}\n\nbody of ${"x".repeat(random.below(200))}\n`;
    this.#parts.push(
      `commit refs/heads/work\nmark :${index + 1}\n`,
      `author A U Thor${index % 7} <author${index % 3}@example.com> ${time - random.below(9999)} +0100\n`,
      `committer C O Mitter <committer@example.com> ${time} -0730\n`,
      `data ${message.length}\n${message}`,
      ...parents.map((parent, i) => `${i === 0 ? "from" : "merge"} :${parent + 1}\n`),
    );
    if (parents.length === 0) this.#parts.push("deleteall\n");
    const changes = random.below(4);
    for (let i = 0; i < changes; i++) this.#writeChange();
    this.#parts.push("\n");
  }

  #chooseParents(index: number): number[] {
    const random = this.#random;
    if (index === 0 || random.oneIn(this.#shape.rootOneIn)) return [];
    const near = (): number => Math.max(0, index - 1 - random.below(8));
    const parents = new Set([near()]);
    if (random.oneIn(this.#shape.mergeOneIn)) {
      const count = random.oneIn(5) ? 3 + random.below(4) : 2;
      for (let i = 1; i < count; i++) parents.add(near());
    }
    return [...parents];
  }

  #writeChange(): void {
    const random = this.#random;
    const path = random.pick(PATHS);
    switch (random.below(8)) {
      case 0:
        this.#parts.push(`D ${path}\n`);
        break;
      case 1:
        this.#parts.push(`M 160000 ${this.#submodule} modules/${random.below(3)}\n`);
        break;
      case 2:
        this.#parts.push(`M 120000 inline link\ndata 6\nREADME\n`);
        break;
      case 3:
        this.#parts.push("deleteall\n");
        break;
      default: {
        const mode = random.oneIn(4) ? "100755" : "100644";
        const text = fileText(random);
        this.#parts.push(`M ${mode} inline ${path}\ndata ${text.length}\n${text}\n`);
      }
    }
  }
}

/** Long texts that differ in a line or two, so that git makes deltas of them. */
function fileText(random: Random): string {
  const lines = Array.from({ length: 20 + random.below(60) }, (_, i) => `line ${i} of the file`);
  lines[random.below(lines.length)] = `changed ${random.below(1000)}`;
  return lines.join("\n");
}

/** Makes a file with many versions, and packs them as deltas on top of one another. */
export function generateDeepChain(repository: TestRepository, depth: number): void {
  const parts: string[] = [];
  const lines = Array.from({ length: 50 }, (_, i) => `line ${i} ${"y".repeat(i)}`);
  for (let i = 0; i < depth; i++) {
    lines[i % lines.length] = `version ${i}`;
    const text = lines.join("\n");
    const from = i === 0 ? "" : `from :${i}\n`;
    parts.push(
      `commit refs/heads/deep\nmark :${i + 1}\n`,
      `committer C O Mitter <committer@example.com> ${1_600_000_000 + i} +0000\n`,
      `data 5\ndeep\n${from}M 100644 inline file\ndata ${text.length}\n${text}\n\n`,
    );
  }
  repository.git(["fast-import", "--quiet", "--depth=1"], { input: parts.join("") });
  repository.git(["repack", "-adfq", `--depth=${depth}`, `--window=${depth}`]);
}
