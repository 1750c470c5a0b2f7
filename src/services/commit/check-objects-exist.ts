import { setImmediate as nextTurn } from "node:timers/promises";
import { parseRevision } from "../../git/revision/revision.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { CheckObjectsExistRequest, CommitService } from "../../proto/commit_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { takeFirst } from "../common/first-request.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { fieldSize, numberFieldSize } from "../common/message-size.ts";
import {
  type OpenedRepository,
  openRepository,
  type ReadNeeds,
} from "../common/open-repository.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import { findObject, type RevisionNeeds } from "../common/resolve-revision.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type CheckObjectsExist = Handler<typeof CommitService.method.checkObjectsExist>;

/** Revisions that are looked up before other calls have their turn; `HEAD~1000` takes a while. */
const TURN_REVISIONS = 8;

interface Existence {
  readonly name: Uint8Array;
  readonly exists: boolean;
}

/** Says of each revision whether there is such an object; a path may follow behind a colon. */
export function checkObjectsExist(needs: Needs): CheckObjectsExist {
  return async function* (requests, call) {
    const { first, rest } = await takeFirst(requests);
    const repository = openRepository(needs, first.repository, call);
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    const chunk = new ReplyChunk(existenceSize);
    for await (const request of prepended(first, rest)) {
      for (const [index, revision] of parseRevisions(request).entries()) {
        if (index % TURN_REVISIONS === TURN_REVISIONS - 1) await nextTurn();
        const exists = await objectExists(repository, revision.text, ask);
        const full = chunk.add({ name: revision.bytes, exists });
        if (full !== undefined) yield { revisions: full };
      }
    }
    const revisions = chunk.rest();
    if (revisions !== undefined) yield { revisions };
  };
}

function existenceSize({ name, exists }: Existence): number {
  return fieldSize(name.length) + numberFieldSize(Number(exists));
}

async function* prepended<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  yield first;
  yield* rest;
}

interface ParsedRevision {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** All revisions of a request are checked before the first of them is looked up. */
function parseRevisions({ revisions }: CheckObjectsExistRequest): ParsedRevision[] {
  return revisions.map((bytes) => {
    try {
      return { bytes, text: parseRevision(bytes, { path: true }) };
    } catch (error) {
      throw wrapError("invalid-argument", "invalid revision", error);
    }
  });
}

async function objectExists(
  repository: OpenedRepository,
  revision: string,
  ask: RevisionNeeds,
): Promise<boolean> {
  try {
    const oid = await findObject(repository, revision, ask);
    return oid !== undefined && repository.objects.has(oid);
  } catch (error) {
    throw wrapError("internal", "checking object existence: reading object info", error);
  }
}
