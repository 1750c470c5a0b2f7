import type { WalkTip } from "../../git/graph/walk-options.ts";
import type { OidContext } from "../../git/object/abbreviated-oid.ts";
import { CorruptObjectError, ObjectNotFoundError } from "../../git/object/object-error.ts";
import { peelTags } from "../../git/object/peel.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { HEAD } from "../../git/ref/ref-name.ts";
import { resolveRevision } from "../../git/revision/resolve-revision.ts";
import type { Revision } from "../../git/revision/revision.ts";
import type { OpenedRepository } from "./open-repository.ts";

/** What a revision of `git rev-list` says can't be told without git, or is wrong. */
class AskGitError extends Error {}

/**
 * Finds the commits that the revisions of `git rev-list` name: single ones, `^one`, ranges with two
 * or three dots, `--all`, `--branches`, `--tags` and `--not`. Trees and blobs are passed over.
 *
 * @param revisions binary strings
 * @returns undefined when only git can tell, or has to say what is wrong
 */
export async function resolveTips(
  repository: OpenedRepository,
  revisions: readonly string[],
  signal: AbortSignal,
): Promise<WalkTip[] | undefined> {
  const collector = new TipCollector(repository, signal);
  try {
    for (const revision of revisions) await collector.add(revision);
    return collector.tips;
  } catch (error) {
    const isGits =
      error instanceof AskGitError ||
      error instanceof ObjectNotFoundError ||
      error instanceof CorruptObjectError;
    if (isGits) return undefined;
    throw error;
  }
}

class TipCollector {
  readonly tips: WalkTip[] = [];
  readonly #repository: OpenedRepository;
  readonly #signal: AbortSignal;
  /** Whether `--not` has turned the meaning of what follows round. */
  #isNot = false;

  constructor(repository: OpenedRepository, signal: AbortSignal) {
    this.#repository = repository;
    this.#signal = signal;
  }

  async add(revision: string): Promise<void> {
    if (revision.startsWith("--")) this.#addPseudo(revision);
    else if (revision.includes("..")) await this.#addRange(revision);
    else if (revision.startsWith("^")) this.#addObject(this.#resolve(revision.slice(1)), true);
    else this.#addObject(this.#resolve(revision), false);
  }

  #addPseudo(option: string): void {
    switch (option) {
      case "--not":
        this.#isNot = !this.#isNot;
        break;
      case "--all":
        this.#addRefs("refs/");
        this.#addHead();
        break;
      case "--branches":
        this.#addRefs("refs/heads/");
        break;
      case "--tags":
        this.#addRefs("refs/tags/");
        break;
      default:
        throw new AskGitError();
    }
  }

  async #addRange(range: string): Promise<void> {
    const [, left = "", dots, right = ""] = /^([^^{]*?)(\.\.\.?)([^^{]*)$/.exec(range) ?? [];
    if (dots === undefined || (left === "" && right === "" && dots === "..")) {
      throw new AskGitError();
    }
    const from = this.#resolve(left === "" ? "HEAD" : left, "committish");
    const to = this.#resolve(right === "" ? "HEAD" : right, "committish");
    if (dots === "..") {
      this.#addObject(from, true);
      this.#addObject(to, false);
      return;
    }
    const [one, other] = [this.#commitAt(from), this.#commitAt(to)];
    if (one === undefined || other === undefined) throw new AskGitError();
    const bases = await this.#repository.history.mergeBases([one, other], this.#signal);
    for (const base of bases) this.#addObject(base, true);
    this.tips.push({ oid: one, isExcluded: this.#isNot, isLeft: true });
    this.#addObject(other, false);
  }

  /** References whose object isn't there are left out, as git does with a complaint. */
  #addRefs(prefix: string): void {
    const { refs, objects } = this.#repository;
    for (const { oid } of refs.list({ prefixes: [prefix] })) {
      if (objects.has(oid)) this.#addObject(oid, false);
    }
  }

  #addHead(): void {
    const { refs, objects } = this.#repository;
    const oid = refs.findOid(HEAD);
    if (oid !== undefined && objects.has(oid)) this.#addObject(oid, false);
  }

  #resolve(revision: string, context: OidContext = "any"): Oid {
    // Tips are found by what they mean, so there is nothing that could be taken for an option.
    const found = resolveRevision(this.#repository, revision as Revision, context);
    if (found.state !== "found") throw new AskGitError();
    return found.oid;
  }

  #addObject(oid: Oid, isExcluded: boolean): void {
    const commit = this.#commitAt(oid);
    if (commit !== undefined)
      this.tips.push({ oid: commit, isExcluded: isExcluded !== this.#isNot });
  }

  #commitAt(oid: Oid): Oid | undefined {
    const peeled = peelTags(this.#repository.objects, oid);
    return peeled.type === "commit" ? peeled.oid : undefined;
  }
}
