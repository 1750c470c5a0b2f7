import type { Mailmap } from "../../git/mailmap/mailmap.ts";
import type { Oid } from "../../git/oid/oid.ts";
import type { ReferenceChange } from "../../hooks/change/change-errors.ts";
import type { ChangeNeeds } from "../../hooks/change/change-reference.ts";
import { changeReference } from "../../hooks/change/change-reference.ts";
import type { GitCommit, User } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import type { Quarantine } from "../../storage/quarantine/quarantine.ts";
import { changeContext } from "./change-context.ts";
import { type GitCall, gitCall } from "./git-call.ts";
import type { Mailmaps } from "./mailmaps.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "./open-repository.ts";
import { quarantineFor } from "./quarantine-for.ts";
import { readCommit } from "./read-commit.ts";
import type { TransactionVotes } from "./transaction-votes.ts";

/** What is needed to change a repository on behalf of a user. */
export interface OperationNeeds extends ReadNeeds, ChangeNeeds {
  readonly votes: TransactionVotes;
  readonly mailmaps: Mailmaps;
}

/** A user's change to a repository while it is being made. Disposing of it drops what isn't accepted. */
export interface Operation extends Disposable, AsyncDisposable {
  /** The repository as it is read, together with the objects that the change has brought so far. */
  readonly repository: OpenedRepository;
  /** The history without the change: what is known of it is kept from call to call. */
  readonly knownHistory: OpenedRepository["history"];
  /** Where the change's objects go; `quarantine.repository` is for git processes. */
  readonly quarantine: Quarantine;
  /** For all git processes of the change. */
  readonly options: GitCall;
  /** Reads a commit as all other calls show it, people by the names that the mailmap has for them. */
  readCommit(oid: Oid): Promise<GitCommit | undefined>;
  /**
   * Asks all hooks for leave and changes a reference; objects become part of the repository.
   *
   * @throws see `changeReference` in `hooks/change`
   */
  changeReference(
    user: User,
    change: ReferenceChange,
    pushOptions?: readonly string[],
  ): Promise<void>;
}

/** Begins a change to the repository at `located`. */
export async function openOperation(
  needs: OperationNeeds,
  located: LocatedRepository,
  call: Call,
): Promise<Operation> {
  const quarantine = await openQuarantine(needs, located);
  const options = gitCall(call);
  const repository = openLocated(needs, quarantine.repository, call);
  let known: { readonly mailmap: Mailmap | undefined } | undefined;
  return {
    repository,
    knownHistory: needs.repositories.open(located.path).history,
    quarantine,
    options,
    readCommit: (oid) => {
      // A rebase reads many commits, and the mailmap takes a look at HEAD.
      known ??= { mailmap: needs.mailmaps.find(repository, call) };
      return readCommit(repository.objects, oid, known.mailmap, options.signal);
    },
    changeReference: (user, change, pushOptions = []) => {
      const { glId, glUsername } = user;
      const changer = { glId, glUsername, protocol: "web" };
      const context = changeContext(needs.votes, located, changer, call);
      return changeReference(needs, context, change, { ...options, quarantine, pushOptions });
    },
    [Symbol.dispose]: () => quarantine[Symbol.dispose](),
    [Symbol.asyncDispose]: () => quarantine[Symbol.asyncDispose](),
  };
}

async function openQuarantine(
  needs: OperationNeeds,
  located: LocatedRepository,
): Promise<Quarantine> {
  try {
    return await quarantineFor(needs, located);
  } catch (error) {
    throw wrapError("internal", "creating object quarantine", error);
  }
}
