import { CorruptObjectError } from "../object/object-error.ts";
import type { CommitGraph } from "./commit-graph.ts";
import { TASK_STEPS, type Task } from "./task.ts";

/** Memory for a commit of the graph. */
const COMMIT_BYTES = 8;

/** What of a commit-graph tells lines of first parents. */
type Lines = Pick<CommitGraph, "count" | "firstParentAt" | "generationAt">;

/**
 * Shortcuts along the lines of first parents in a commit-graph: each commit knows one far below it,
 * so that any place of a line is found in few steps instead of thousands.
 *
 * What is known of a line is kept. See Myers, "An applicative random-access stack".
 */
export class FirstParentSkips {
  readonly #graph: Lines;
  /** The number of commits from one down to the end of its line; 0 where it isn't known yet. */
  readonly #lengths: Uint32Array;
  readonly #skips: Uint32Array;

  /** `charge` is told how much memory is taken. */
  constructor(graph: Lines, charge: (bytes: number) => void) {
    this.#graph = graph;
    this.#lengths = new Uint32Array(graph.count);
    this.#skips = new Uint32Array(graph.count);
    charge(graph.count * COMMIT_BYTES);
  }

  /** Learns the line that begins with a commit: that has to be done before anything else. */
  *learn(from: number): Task<void> {
    const line: number[] = [];
    let commit: number | undefined = from;
    for (; commit !== undefined && this.#length(commit) === 0; ) {
      line.push(commit);
      if (line.length > this.#graph.count) {
        throw new CorruptObjectError("first parents form a circle");
      }
      if (line.length % TASK_STEPS === 0) yield;
      commit = this.#graph.firstParentAt(commit);
    }
    for (let i = line.length - 1; i >= 0; i--) {
      const added = line[i] ?? 0;
      const parent: number | undefined = i + 1 < line.length ? line[i + 1] : commit;
      this.#lengths[added] = parent === undefined ? 1 : this.#length(parent) + 1;
      this.#skips[added] = parent === undefined ? added : this.#skipAbove(parent);
    }
  }

  /** The last commit of a line with a generation above `lowest`, as its first one has. */
  lastAbove(from: number, lowest: number): number {
    for (let commit = from; ; ) {
      const skip = this.#skips[commit] ?? commit;
      if (skip !== commit && this.#graph.generationAt(skip) > lowest) {
        commit = skip;
        continue;
      }
      const parent = this.#graph.firstParentAt(commit);
      if (parent === undefined || this.#graph.generationAt(parent) <= lowest) return commit;
      commit = parent;
    }
  }

  /** The commits of a line from `last` up to `from`, which is on top of it. */
  *upwards(from: number, last: number): Generator<number, void, undefined> {
    const top = this.#length(from);
    for (let length = this.#length(last); length <= top; length += BLOCK) {
      const block: number[] = [];
      let commit = this.#onLine(from, Math.min(length + BLOCK - 1, top));
      while (this.#length(commit) > length) {
        block.push(commit);
        commit = this.#graph.firstParentAt(commit) ?? commit;
      }
      yield commit;
      yield* block.reverse();
    }
  }

  /** The commit from which so many are left to the end of the line. */
  #onLine(from: number, length: number): number {
    let commit = from;
    while (this.#length(commit) > length) {
      const skip = this.#skips[commit] ?? commit;
      const isAbove = this.#length(skip) >= length;
      commit = isAbove ? skip : (this.#graph.firstParentAt(commit) ?? commit);
    }
    return commit;
  }

  #length(commit: number): number {
    return this.#lengths[commit] ?? 0;
  }

  /** Where a commit skips to whose first parent is given. */
  #skipAbove(parent: number): number {
    const near = this.#skips[parent] ?? parent;
    const far = this.#skips[near] ?? near;
    const isTwice =
      this.#length(parent) - this.#length(near) === this.#length(near) - this.#length(far);
    return isTwice ? far : parent;
  }
}

/** Commits of a line that are listed at a time. */
const BLOCK = 32;
