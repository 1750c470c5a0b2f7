import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import type { TestContext } from "node:test";
import {
  VoteTransactionRequest_Phase as Phase,
  RefTransaction,
  VoteTransactionResponse_TransactionState as State,
} from "../proto/transaction_pb.ts";
import type { Channel } from "../rpc/client/channel.ts";
import { serve } from "../rpc/handler.ts";
import type { Connection } from "../rpc/listener/connection.ts";
import { GrpcServer } from "../rpc/server/grpc-server.ts";
import { dialSidechannels } from "./sidechannel-call.ts";
import type { TestServer } from "./test-server.ts";

/** A client whose calls are part of a transaction over several servers, all of which it speaks for. */
export interface TransactionClient {
  readonly channel: Channel;
  /** Makes a call part of the transaction. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What was voted, in order: `prepared` and the vote's hash. */
  readonly votes: string[];
}

const NAMES: ReadonlyMap<Phase, string> = new Map([
  [Phase.PREPARING_PHASE, "preparing"],
  [Phase.PREPARED_PHASE, "prepared"],
  [Phase.COMMITTED_PHASE, "committed"],
]);

type PhaseName = "preparing" | "prepared" | "committed";

/**
 * Begins a transaction that every vote passes in but those in the phase `abortIn`; `count` takes
 * its time with each.
 */
export function beginTransaction(
  t: TestContext,
  server: TestServer,
  abortIn?: PhaseName,
  count: (phase: string) => Promise<void> = () => Promise.resolve(),
): TransactionClient {
  const votes: string[] = [];
  const handlers = serve(RefTransaction, {
    voteTransaction: async ({ phase, referenceUpdatesHash }) => {
      const name = NAMES.get(phase) ?? "";
      votes.push(`${name} ${Buffer.from(referenceUpdatesHash).toString("hex")}`);
      await count(name);
      return { state: name === abortIn ? State.ABORT : State.COMMIT };
    },
  });
  const own = new GrpcServer({ services: [handlers], interceptors: [] });
  t.after(() => own.close(0));
  const connection: Connection = { kind: "unix", peer: "@", mux: undefined, bytesWritten: 0 };
  const onBackchannel = (stream: Duplex): void => own.accept(stream, connection);
  const transaction = JSON.stringify({ id: 1, node: "primary", primary: true });
  return {
    channel: dialSidechannels(t, server, { onBackchannel }),
    metadata: { "gitaly-reference-transaction": Buffer.from(transaction).toString("base64") },
    votes,
  };
}

/** The votes that a change with this content takes, one for each phase. */
export function votesOn(content: string | Uint8Array): string[] {
  const hash = createHash("sha1").update(content).digest("hex");
  return ["preparing", "prepared", "committed"].map((phase) => `${phase} ${hash}`);
}
