import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import { type TestContext, test } from "node:test";
import { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import {
  RefTransaction,
  VoteTransactionRequest_Phase,
  VoteTransactionResponse_TransactionState,
} from "../../proto/transaction_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import { serve } from "../../rpc/handler.ts";
import type { Connection } from "../../rpc/listener/connection.ts";
import { GrpcServer } from "../../rpc/server/grpc-server.ts";
import { writeCustomHook } from "../../testing/custom-hook.ts";
import { bandsOf, FLUSH, pktLines } from "../../testing/pkt-lines.ts";
import { collect } from "../../testing/repository-errors.ts";
import { dialSidechannels } from "../../testing/sidechannel-call.ts";
import { cloneForPush, pushBytes, writeCommit } from "../../testing/test-commits.ts";
import { startTestServer } from "../../testing/test-server.ts";

const { COMMIT, ABORT, STOP } = VoteTransactionResponse_TransactionState;
const MAIN = "refs/heads/main";

interface Vote {
  readonly phase: VoteTransactionRequest_Phase;
  readonly hash: string;
}

/** A push that is part of a transaction; `state` decides about each vote. */
async function pushInTransaction(
  t: TestContext,
  state: (vote: Vote) => VoteTransactionResponse_TransactionState,
  options: { readonly primary?: boolean; readonly preReceive?: string } = {},
) {
  const votes: Vote[] = [];
  let stops = 0;
  const handlers = serve(RefTransaction, {
    voteTransaction: async ({ transactionId, node, referenceUpdatesHash, phase }) => {
      assert.deepEqual([transactionId, node], [1234n, "primary"]);
      const vote = { phase, hash: Buffer.from(referenceUpdatesHash).toString("hex") };
      votes.push(vote);
      return { state: state(vote) };
    },
    stopTransaction: async () => {
      stops += 1;
      return {};
    },
  });
  const own = new GrpcServer({ services: [handlers], interceptors: [] });
  t.after(() => own.close(0));
  const connection: Connection = { kind: "unix", peer: "@", mux: undefined, bytesWritten: 0 };
  const server = await startTestServer(t);
  const onBackchannel = (stream: Duplex): void => own.accept(stream, connection);
  const channel = dialSidechannels(t, server, { onBackchannel });
  const served = server.repository();
  const from = writeCommit(served, { ref: MAIN });
  if (options.preReceive !== undefined) {
    writeCustomHook(served.path, "pre-receive", options.preReceive);
  }
  const source = cloneForPush(t, served);
  const to = writeCommit(source, { content: "pushed\n", parents: [from] });
  const transaction = JSON.stringify({ id: 1234, node: "primary", primary: true });
  const metadata = { "gitaly-reference-transaction": Buffer.from(transaction).toString("base64") };
  const repository = { ...served.address, glRepository: "project-1" };
  const requests = [
    { repository, glId: "key-1" },
    { data: pushBytes(source, [{ ref: MAIN, from, to }]) },
  ];
  const client = createClient(SmartHTTPService, channel);
  const pushed = collect(client.postReceivePack(requests, { metadata })).then((replies) =>
    bandsOf(Buffer.concat(replies.map(({ data }) => data))).data.toString(),
  );
  const tip = (): string => served.gitLine(["rev-parse", MAIN]);
  return { pushed, votes, stops: () => stops, tip, from, to };
}

const report = (line: string): string => pktLines("unpack ok\n", `${line}\n`, FLUSH).toString();

test("a push that is part of a transaction is voted on at every step", async (t) => {
  const { pushed, votes, tip, from, to } = await pushInTransaction(t, () => COMMIT);
  assert.equal(await pushed, report(`ok ${MAIN}`));
  assert.equal(tip(), to);
  const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");
  const change = sha1(`${from} ${to} ${MAIN}\n`);
  const { PREPARED_PHASE, COMMITTED_PHASE, SYNCHRONIZED_PHASE } = VoteTransactionRequest_Phase;
  assert.deepEqual(votes, [
    { phase: SYNCHRONIZED_PHASE, hash: sha1("synchronize pre-receive hook") },
    { phase: SYNCHRONIZED_PHASE, hash: sha1("synchronize update hook") },
    { phase: PREPARED_PHASE, hash: change },
    { phase: COMMITTED_PHASE, hash: change },
    { phase: SYNCHRONIZED_PHASE, hash: sha1("synchronize post-receive hook") },
    { phase: COMMITTED_PHASE, hash: "00".repeat(20) },
  ]);
});

test("a push changes nothing when the vote is against it", async (t) => {
  const { PREPARED_PHASE } = VoteTransactionRequest_Phase;
  const against = ({ phase }: Vote) => (phase === PREPARED_PHASE ? ABORT : COMMIT);
  const { pushed, tip, from } = await pushInTransaction(t, against);
  await assert.rejects(pushed, {
    kind: "failed-precondition",
    message: "waiting for receive-pack: exit status 128",
  });
  assert.equal(tip(), from);
});

test("a push fails when the last vote does", async (t) => {
  const isLast = ({ hash }: Vote): boolean => /^0+$/.test(hash);
  const { pushed } = await pushInTransaction(t, (vote) => (isLast(vote) ? ABORT : COMMIT));
  // Clients are told no more of a vote than that they may try again.
  await assert.rejects(pushed, { kind: "aborted" });
});

test("a refusing hook ends the transaction for all servers", async (t) => {
  let isStopped = false;
  const state = (): VoteTransactionResponse_TransactionState => (isStopped ? STOP : COMMIT);
  const push = await pushInTransaction(t, state, { preReceive: "exit 1" });
  isStopped = true;
  assert.equal(await push.pushed, report(`ng ${MAIN} pre-receive hook declined`));
  assert.equal(push.stops(), 1);
  assert.equal(push.votes.length, 1);
  assert.equal(push.tip(), push.from);
});
