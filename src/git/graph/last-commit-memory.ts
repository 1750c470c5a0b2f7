/** Commits for which answers are kept, the latest ones. */
const TIPS_MAX = 64;

/** Answers that are kept for one commit. */
const ANSWERS_MAX = 4096;

/** Memory for an answer beside the text of its path, roughly. */
const ANSWER_BYTES = 64;

/**
 * Which commits were the last to change some paths, seen from commits that were asked about.
 *
 * A history doesn't change, so an answer stays right; and a search from a newer commit can end
 * where it meets one from which the answer is known. Numbers are those of a `CommitStore`, paths
 * are texts of any kind.
 */
export class LastCommitMemory {
  readonly #tips = new Map<number, Map<string, number>>();
  readonly #charge: (bytes: number) => void;

  /** `charge` is told how much memory is taken. */
  constructor(charge: (bytes: number) => void) {
    this.#charge = charge;
  }

  /** Answers by path for searches from a commit, if there are any. */
  from(commit: number): ReadonlyMap<string, number> | undefined {
    return this.#tips.get(commit);
  }

  /** Notes the answer for a path and a search from `tip`. */
  note(tip: number, path: string, answer: number): void {
    const answers = this.#tips.get(tip) ?? this.#begin(tip);
    if (answers.size >= ANSWERS_MAX || answers.has(path)) return;
    answers.set(path, answer);
    this.#charge(ANSWER_BYTES + path.length);
  }

  #begin(tip: number): Map<string, number> {
    const [oldest] = this.#tips.keys();
    if (oldest !== undefined && this.#tips.size >= TIPS_MAX) this.#tips.delete(oldest);
    const answers = new Map<string, number>();
    this.#tips.set(tip, answers);
    return answers;
  }
}
