import type { CommitHistory } from "../graph/commit-history.ts";
import type { ObjectDatabase } from "../object/object-database.ts";
import { ObjectNotFoundError, UnexpectedObjectTypeError } from "../object/object-error.ts";
import type { Oid } from "../oid/oid.ts";
import type { HiddenRefs } from "../ref/hidden-refs.ts";
import { HEAD, parseRefName } from "../ref/ref-name.ts";
import type { RefReader } from "../ref/ref-reader.ts";
import type { KnownObjects } from "./connectivity-walk.ts";
import type { PushCommand } from "./push-command.ts";

/** A repository as it is without the push. */
export interface RepositoryBefore {
  readonly objects: ObjectDatabase;
  readonly refs: RefReader;
  readonly history: CommitHistory;
}

/** What a repository's references lead to; hidden ones prove nothing, as in git. */
export class KnownHistory implements KnownObjects {
  readonly #before: RepositoryBefore;
  readonly #hiddenRefs: HiddenRefs;
  readonly #signal: AbortSignal;
  /** What the references hold that are about to change: mostly that is all that has to be known. */
  readonly #replaced: ReadonlySet<Oid>;
  #tips: ReadonlySet<Oid> | undefined;

  constructor(
    before: RepositoryBefore,
    commands: readonly PushCommand[],
    hiddenRefs: HiddenRefs,
    signal: AbortSignal,
  ) {
    this.#before = before;
    this.#hiddenRefs = hiddenRefs;
    this.#signal = signal;
    this.#replaced = new Set(commands.flatMap((command) => this.#heldBefore(command) ?? []));
  }

  async isComplete(commit: Oid): Promise<boolean | undefined> {
    if (this.#replaced.has(commit)) return true;
    if (!this.#before.objects.has(commit)) return false;
    // Most work begins there, so this is cheaper than to look at all references.
    if (await this.#isInDefaultBranch(commit)) return true;
    this.#tips ??= this.#findTips();
    return this.#tips.has(commit) ? true : undefined;
  }

  #heldBefore({ name, oldOid }: PushCommand): Oid | undefined {
    const ref = parseRefName(name);
    if (ref === undefined || /^0+$/.test(oldOid) || this.#hiddenRefs.isHidden(name))
      return undefined;
    return this.#before.refs.findOid(ref) === oldOid ? oldOid : undefined;
  }

  #findTips(): ReadonlySet<Oid> {
    const tips = new Set<Oid>();
    for (const { name, oid, peeled } of this.#before.refs.list()) {
      if (this.#hiddenRefs.isHidden(name)) continue;
      tips.add(oid);
      if (typeof peeled === "string") tips.add(peeled);
    }
    return tips;
  }

  async #isInDefaultBranch(commit: Oid): Promise<boolean> {
    const { refs, history } = this.#before;
    const head = refs.findOid(HEAD);
    if (head === undefined || head === commit) return head === commit;
    try {
      return await history.isAncestor(commit, head, this.#signal);
    } catch (error) {
      if (error instanceof ObjectNotFoundError) return false;
      if (error instanceof UnexpectedObjectTypeError) return false;
      throw error;
    }
  }
}
