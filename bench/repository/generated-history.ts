import { SeededRandom } from "./seeded-random.ts";

/*
 * What `git fast-import` reads, see its manual. The same calls give the same bytes.
 */

const COMMITS = 4000;
const TAGS = 1000;
const BRANCHES = 200;
const FOLDERS = 40;
const FILES_A_FOLDER = 25;
const LINES_A_FILE = 120;
/** Every so many commits of the main line a topic of its own begins and is merged. */
const TOPIC_EVERY = 12;
const TOPIC_COMMITS = 3;
const START_SECONDS = 1_577_836_800;
const WORDS =
  "object pack index delta base tree blob commit tag ref branch walk merge graph path mode time";

/** A history of some thousand commits with merges, tags and branches, in many folders. */
export function* generatedHistory(): Generator<string> {
  yield* new HistoryWriter().write();
}

/** A history of one commit with files that can't be compressed: `megabytes` files of 1 MiB. */
export function* generatedBulk(megabytes: number): Generator<string | Uint8Array> {
  yield `commit refs/heads/main\n${person("committer", 0, START_SECONDS)}${data("Add bulk\n")}`;
  const random = new SeededRandom(99);
  for (let file = 0; file < megabytes; file += 1) {
    const bytes = Buffer.alloc(1 << 20);
    for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(random.below(2 ** 32), at);
    yield `M 100644 inline bulk/${file}.bin\ndata ${bytes.length}\n`;
    yield bytes;
    yield "\n";
  }
}

class HistoryWriter {
  readonly #random = new SeededRandom(42);
  readonly #files = new Map<string, string[]>();
  #mark = 0;
  #seconds = START_SECONDS;
  /** The marks of the main line's commits. */
  readonly #mainLine: number[] = [];

  *write(): Generator<string> {
    yield this.#initialCommit();
    while (this.#mark < COMMITS) {
      if (this.#mainLine.length % TOPIC_EVERY === 0) yield* this.#topic();
      else {
        const paths = this.#somePaths(1 + this.#random.below(3));
        yield this.#commit("refs/heads/main", this.#tip(), undefined, paths);
        this.#mainLine.push(this.#mark);
      }
    }
    yield* this.#tags();
    yield* this.#branches();
  }

  #tip(): number {
    return this.#mainLine.at(-1) ?? 0;
  }

  #initialCommit(): string {
    for (let folder = 0; folder < FOLDERS; folder += 1) {
      for (let file = 0; file < FILES_A_FOLDER; file += 1) {
        const path = folder === 0 ? `file-${file}.txt` : `folder-${folder}/file-${file}.txt`;
        const lines = Array.from({ length: LINES_A_FILE }, () => this.#line());
        this.#files.set(path, lines);
      }
    }
    const text = this.#commit("refs/heads/main", undefined, undefined, [...this.#files.keys()]);
    this.#mainLine.push(this.#mark);
    return text;
  }

  /** Commits on a branch off the main line, and the merge. */
  *#topic(): Generator<string> {
    const base = this.#tip();
    const changed: string[] = [];
    let tip = base;
    for (let commit = 0; commit < TOPIC_COMMITS; commit += 1) {
      const paths = this.#somePaths(1);
      changed.push(...paths);
      yield this.#commit("refs/heads/topic", tip, undefined, paths);
      tip = this.#mark;
    }
    yield this.#commit("refs/heads/main", base, tip, [...new Set(changed)]);
    this.#mainLine.push(this.#mark);
  }

  #commit(
    ref: string,
    parent: number | undefined,
    merged: number | undefined,
    paths: readonly string[],
  ): string {
    this.#mark += 1;
    this.#seconds += 600 + this.#random.below(6000);
    const who = this.#random.below(20);
    const subject = `${merged === undefined ? "Change" : "Merge"} ${paths[0] ?? "nothing"}\n`;
    const body = Array.from({ length: this.#random.below(5) }, () => this.#line()).join("\n");
    return [
      `commit ${ref}\nmark :${this.#mark}\n`,
      person("author", who, this.#seconds),
      person("committer", who, this.#seconds),
      data(body === "" ? subject : `${subject}\n${body}\n`),
      parent === undefined ? "" : `from :${parent}\n`,
      merged === undefined ? "" : `merge :${merged}\n`,
      ...paths.map((path) => this.#fileChange(path, parent !== undefined && merged === undefined)),
      "\n",
    ].join("");
  }

  #fileChange(path: string, edit: boolean): string {
    const lines = this.#files.get(path) ?? [];
    if (edit) lines[this.#random.below(lines.length)] = this.#line();
    return `M 100644 inline ${path}\n${data(`${lines.join("\n")}\n`)}`;
  }

  #somePaths(count: number): string[] {
    const paths = [...this.#files.keys()];
    return [...new Set(Array.from({ length: count }, () => this.#random.pick(paths)))];
  }

  #line(): string {
    const words = WORDS.split(" ");
    const text = Array.from({ length: 5 }, () => this.#random.pick(words)).join(" ");
    return `${text} ${this.#random.below(1_000_000)}`;
  }

  *#tags(): Generator<string> {
    for (let tag = 0; tag < TAGS; tag += 1) {
      const mark = this.#mainLine[Math.floor((tag * this.#mainLine.length) / TAGS)];
      const name = `v${Math.floor(tag / 100)}.${Math.floor(tag / 10) % 10}.${tag % 10}`;
      const tagger = person("tagger", tag % 20, START_SECONDS + tag * 3600);
      yield `tag ${name}\nfrom :${mark}\n${tagger}${data(`Release ${name}\n`)}`;
    }
  }

  *#branches(): Generator<string> {
    yield "reset refs/heads/topic\nfrom 0000000000000000000000000000000000000000\n\n";
    for (let branch = 0; branch < BRANCHES - 1; branch += 1) {
      const ref = `refs/heads/feature/branch-${branch}`;
      const parent = this.#random.pick(this.#mainLine);
      yield branch % 2 === 0
        ? `reset ${ref}\nfrom :${parent}\n\n`
        : this.#commit(ref, parent, undefined, this.#somePaths(1));
    }
  }
}

function person(role: string, who: number, seconds: number): string {
  return `${role} Person ${who} <person-${who}@example.com> ${seconds} +0${who % 10}00\n`;
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}
