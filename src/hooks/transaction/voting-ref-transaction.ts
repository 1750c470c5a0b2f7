import { type ObjectFormat, type Oid, zeroOid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { parseRefName } from "../../git/ref/ref-name.ts";
import type { RefReader } from "../../git/ref/ref-reader.ts";
import { GitExitError } from "../../gitcmd/git-runner.ts";
import type { RefTransaction } from "../../storage/ref-update/ref-transaction.ts";
import type { HookTransaction } from "../context/push-context.ts";
import { hasOnlyForceDeletions } from "./force-deletions.ts";
import type { ReferenceVoter } from "./reference-voter.ts";

/** What decides about a change of references that is part of a transaction over several servers. */
export interface RefVote {
  readonly voter: ReferenceVoter;
  readonly transaction: HookTransaction;
  /** Reads the references that are changed. */
  readonly refs: RefReader;
  readonly objectFormat: ObjectFormat;
  /** As the changes were started with. */
  readonly noDeref: boolean;
  readonly signal: AbortSignal;
}

/**
 * Lets servers vote on the changes of `inner`, at the steps and with the contents of git's hook
 * reference-transaction, so that votes equal those of servers which run that hook. As those, it
 * keeps silent before the references are locked.
 *
 * A vote that fails before the commit aborts `inner`; the error is what git says about such a hook.
 * Afterwards it changes nothing any more, as for git.
 */
export function voteOn(inner: RefTransaction, vote: RefVote): RefTransaction {
  return new VotingRefTransaction(inner, vote);
}

/** A change as the hook is told of it: old and new are object ids or `ref:` and a name. */
interface Line {
  readonly name: string;
  readonly old: string;
  readonly new: string;
}

class VotingRefTransaction implements RefTransaction {
  readonly #inner: RefTransaction;
  readonly #vote: RefVote;
  readonly #zero: Oid;
  #lines: Line[] = [];
  #isPrepared = false;

  constructor(inner: RefTransaction, vote: RefVote) {
    this.#inner = inner;
    this.#vote = vote;
    this.#zero = zeroOid(vote.objectFormat);
  }

  update(name: string, newOid: Oid, oldOid?: Oid): Promise<void> {
    return this.#note(name, oldOid ?? this.#zero, newOid, this.#inner.update(name, newOid, oldOid));
  }

  create(name: string, oid: Oid): Promise<void> {
    return this.#note(name, this.#zero, oid, this.#inner.create(name, oid));
  }

  delete(name: string, oldOid?: Oid): Promise<void> {
    return this.#note(name, oldOid ?? this.#zero, this.#zero, this.#inner.delete(name, oldOid));
  }

  verify(name: string, oid: Oid): Promise<void> {
    return this.#note(name, oid, this.#zero, this.#inner.verify(name, oid));
  }

  updateSymbolic(name: string, target: string): Promise<void> {
    return this.#note(name, this.#zero, `ref:${target}`, this.#inner.updateSymbolic(name, target));
  }

  check(): Promise<void> {
    return this.#inner.check();
  }

  async prepare(): Promise<void> {
    await this.#inner.check();
    await this.#inner.prepare();
    this.#lines = this.#followed();
    await this.#cast("prepared");
    this.#isPrepared = true;
  }

  async commit(): Promise<void> {
    if (!this.#isPrepared) await this.prepare();
    await this.#inner.commit();
    // Git goes on whatever the hook says; what this vote is for is that others hear of the commit.
    await this.#cast("committed").catch(() => undefined);
  }

  abort(): Promise<void> {
    return this.#inner.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }

  #note(name: string, old: string, value: string, queued: Promise<void>): Promise<void> {
    this.#lines.push({ name, old, new: value });
    return queued;
  }

  /** Once all is locked, git has put changes of what symbolic references lead to in their place. */
  #followed(): Line[] {
    const { refs, noDeref } = this.#vote;
    if (noDeref) return this.#lines;
    const lines = [...this.#lines];
    const followed: Line[] = [];
    // Grows while it is walked: a symbolic reference may lead to another one.
    for (const line of lines) {
      const name = parseRefName(line.name, { oneLevel: true });
      const ref = name && refs.read(name);
      if (ref?.kind === "symbolic") lines.push({ ...line, name: ref.target });
      else followed.push(line);
    }
    return followed;
  }

  async #cast(phase: "prepared" | "committed"): Promise<void> {
    const { voter, transaction, objectFormat, signal } = this.#vote;
    const changes = this.#lines.map((line) => `${line.old} ${line.new} ${line.name}\n`).join("");
    if (hasOnlyForceDeletions(changes, objectFormat)) return;
    try {
      await voter.vote(transaction, bytesFromBinary(changes), phase, signal);
    } catch (cause) {
      await this.#inner.abort();
      signal.throwIfAborted();
      const stderr = `fatal: in '${phase}' phase, update aborted by the reference-transaction hook\n`;
      throw new GitExitError({ exitCode: 128, signal: undefined, stderr }, { cause });
    }
  }
}
