import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import { type TestContext, test } from "node:test";
import { zeroOid } from "../../git/oid/oid.ts";
import { RefService } from "../../proto/ref_pb.ts";
import { RepositoryService } from "../../proto/repository_pb.ts";
import {
  VoteTransactionRequest_Phase as Phase,
  RefTransaction,
  VoteTransactionResponse_TransactionState as State,
} from "../../proto/transaction_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import { serve } from "../../rpc/handler.ts";
import type { Connection } from "../../rpc/listener/connection.ts";
import { GrpcServer } from "../../rpc/server/grpc-server.ts";
import { dialSidechannels } from "../../testing/sidechannel-call.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";

const ZERO = zeroOid("sha1");
const { PREPARING_PHASE, PREPARED_PHASE, COMMITTED_PHASE } = Phase;

interface Vote {
  readonly phase: Phase;
  readonly hash: string;
}

interface Fixture {
  readonly repository: ServedRepository;
  readonly one: string;
  readonly votes: readonly Vote[];
  writeRef(ref: string, revision: string): Promise<unknown>;
  update(name: string, newOid: string, oldOid?: string): Promise<unknown>;
  remove(request: { readonly refs?: string[]; readonly except?: string[] }): Promise<unknown>;
}

/** Calls that are part of a transaction; `decide` says how each vote goes. */
async function setUp(
  t: TestContext,
  decide: (phase: Phase) => State = () => State.COMMIT,
  refFormat: "files" | "reftable" = "files",
): Promise<Fixture> {
  const votes: Vote[] = [];
  const handlers = serve(RefTransaction, {
    voteTransaction: async ({ transactionId, node, referenceUpdatesHash, phase }) => {
      assert.deepEqual([transactionId, node], [7n, "secondary"]);
      votes.push({ phase, hash: Buffer.from(referenceUpdatesHash).toString("hex") });
      return { state: decide(phase) };
    },
  });
  const own = new GrpcServer({ services: [handlers], interceptors: [] });
  t.after(() => own.close(0));
  const connection: Connection = { kind: "unix", peer: "@", mux: undefined, bytesWritten: 0 };
  const server = await startTestServer(t);
  const onBackchannel = (stream: Duplex): void => own.accept(stream, connection);
  const channel = dialSidechannels(t, server, { onBackchannel });
  const transaction = JSON.stringify({ id: 7, node: "secondary", primary: false });
  const metadata = { "gitaly-reference-transaction": Buffer.from(transaction).toString("base64") };
  const repository = server.repository({ refFormat });
  const { address } = repository;
  const refs = createClient(RefService, channel);
  const repositories = createClient(RepositoryService, channel);
  const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
  return {
    repository,
    votes,
    one: writeCommit(repository, { ref: "refs/heads/one" }),
    writeRef: (ref, revision) => {
      const request = { repository: address, ref: bytes(ref), revision: bytes(revision) };
      return repositories.writeRef(request, { metadata });
    },
    update: (name, newOid, oldOid = "") => {
      const change = { reference: bytes(name), newObjectId: bytes(newOid) };
      const updates = [{ ...change, oldObjectId: bytes(oldOid) }];
      return refs.updateReferences([{ repository: address, updates }], { metadata });
    },
    remove: ({ refs: names = [], except = [] }) => {
      const request = {
        repository: address,
        refs: names.map(bytes),
        exceptWithPrefix: except.map(bytes),
      };
      return refs.deleteRefs(request, { metadata });
    },
  };
}

function threeVotes(content: string): Vote[] {
  const hash = createHash("sha1").update(content, "latin1").digest("hex");
  return [PREPARING_PHASE, PREPARED_PHASE, COMMITTED_PHASE].map((phase) => ({ phase, hash }));
}

function refs({ repository }: Fixture): string[] {
  return repository.gitLines(["for-each-ref", "--format=%(refname)"]);
}

for (const refFormat of ["files", "reftable"] as const) {
  test(`changes that are part of a transaction are voted on (${refFormat})`, async (t) => {
    const fixture = await setUp(t, undefined, refFormat);
    const { votes, one, writeRef, update, remove } = fixture;
    await writeRef("refs/heads/a", one);
    await writeRef("HEAD", "refs/heads/a");
    await update("refs/heads/b", one, ZERO);
    await remove({ refs: ["refs/heads/b", "refs/heads/\xff"] });
    await remove({ except: ["refs/"] });
    assert.deepEqual(votes, [
      ...threeVotes(`${ZERO} ${one} refs/heads/a\n`).slice(1),
      ...threeVotes(`${ZERO} ref:refs/heads/a HEAD\n`).slice(1),
      ...threeVotes(`${ZERO} ${one} refs/heads/b\n`).slice(1),
      ...threeVotes("refs/heads/b\nrefs/heads/\xff\n"),
      ...threeVotes(""),
    ]);
    assert.deepEqual(refs(fixture), ["refs/heads/a", "refs/heads/one"]);
  });
}

test("deletions without old values are voted on only where a call does so itself", async (t) => {
  const { votes, update, writeRef } = await setUp(t);
  await update("refs/heads/one", ZERO);
  await writeRef("refs/heads/missing", ZERO);
  assert.deepEqual(votes, []);
});

const AGAINST = [
  [PREPARING_PHASE, "preparing vote"],
  [PREPARED_PHASE, "prepared vote"],
  [COMMITTED_PHASE, "committing vote"],
] as const;

for (const [phase, doing] of AGAINST) {
  test(`calls fail when servers disagree (${doing})`, async (t) => {
    const against = (at: Phase): State => (at === phase ? State.ABORT : State.COMMIT);
    const fixture = await setUp(t, against);
    const { one, writeRef, update, remove } = fixture;
    const isTooLate = phase === COMMITTED_PHASE;
    // Where git makes the change nobody is asked before it has locked the references.
    const isMade = phase !== PREPARED_PHASE;
    const results = await Promise.allSettled([
      writeRef("refs/heads/a", one),
      writeRef("HEAD", "refs/heads/a"),
      update("refs/heads/b", one),
    ]);
    const said = results.map((result) =>
      result.status === "rejected" ? result.reason : undefined,
    );
    assert.deepEqual(
      said.map((error) => error && [error.kind, error.message]),
      isMade
        ? [undefined, undefined, undefined]
        : [
            ["internal", "error when running update-ref command: exit status 128"],
            ["internal", "setting default branch: commit: exit status 128"],
            ["internal", "committing update: exit status 128"],
          ],
    );
    const made = isMade ? ["refs/heads/a", "refs/heads/b", "refs/heads/one"] : ["refs/heads/one"];
    assert.deepEqual(refs(fixture), made);
    await assert.rejects(remove({ refs: ["refs/heads/one"] }), {
      kind: "internal",
      message: `${doing}: transaction was aborted`,
    });
    assert.equal(refs(fixture).includes("refs/heads/one"), !isTooLate);
  });
}

test("a stopped transaction is no change either", async (t) => {
  const fixture = await setUp(t, () => State.STOP);
  await assert.rejects(fixture.update("refs/heads/b", fixture.one), {
    kind: "internal",
    message: "committing update: exit status 128",
  });
  await assert.rejects(fixture.remove({ refs: ["refs/heads/one"] }), {
    kind: "internal",
    message: "preparing vote: transaction was stopped",
  });
  assert.deepEqual(refs(fixture), ["refs/heads/one"]);
});
