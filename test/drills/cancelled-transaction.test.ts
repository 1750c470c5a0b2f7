import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { suite, type TestContext, test } from "node:test";
import { OperationService } from "../../src/proto/operations_pb.ts";
import { RefService } from "../../src/proto/ref_pb.ts";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import {
  VoteTransactionRequest_Phase as Phase,
  RefTransaction,
  VoteTransactionResponse_TransactionState as State,
} from "../../src/proto/transaction_pb.ts";
import type { CallOptions } from "../../src/rpc/client/call-options.ts";
import { type Channel, dial } from "../../src/rpc/client/channel.ts";
import { createClient } from "../../src/rpc/client/client.ts";
import { serve } from "../../src/rpc/handler.ts";
import type { Connection } from "../../src/rpc/listener/connection.ts";
import { GrpcServer } from "../../src/rpc/server/grpc-server.ts";
import { commitHeader, createFile } from "../../src/testing/commit-actions.ts";
import { findTestGit, temporaryDirectory } from "../../src/testing/git-repository.ts";
import { eventually } from "../../src/testing/processes.ts";
import { type Forge, startForge } from "../acceptance/forge.ts";
import { DrillFinding, drillSize, expectKept, mustBeFound, reportFigures } from "./drill.ts";
import { lockFiles } from "./lock-files.ts";
import { expectSound, RefModel } from "./ref-model.ts";
import { DRILL_REPOSITORY, DRILL_USER, prepareWriteLoad, type WriteLoad } from "./write-load.ts";

/** How long a lock may stay after the call that held it was cancelled. */
const LOCK_MS_MAX = 1000;
const PATIENCE_MS = 60_000;

const CONNECTION: Connection = { kind: "unix", peer: "@", mux: undefined, bytesWritten: 0 };
const TRANSACTION = Buffer.from(JSON.stringify({ id: 1, node: "primary", primary: true }));

/** How a client goes away in the middle of a call. */
type Departure = "cancel" | "hang up";

/** Brings a change to where it is prepared, sees the locks, and takes the client away. */
type Attempt = (round: number) => Promise<void>;

/** Clients whose servers never agree: each call waits with its reference locks in place. */
class UndecidedClient {
  readonly #forge: Forge;
  readonly #server: GrpcServer;
  #onPrepared: () => void = () => undefined;

  constructor(t: TestContext, forge: Forge) {
    this.#forge = forge;
    const voteTransaction = async (
      { phase }: { phase: Phase },
      { signal }: { signal: AbortSignal },
    ): Promise<{ state: State }> => {
      if (phase === Phase.PREPARED_PHASE) {
        this.#onPrepared();
        if (!signal.aborted) await once(signal, "abort");
      }
      return { state: State.COMMIT };
    };
    const handlers = serve(RefTransaction, { voteTransaction });
    this.#server = new GrpcServer({ services: [handlers], interceptors: [] });
    t.after(() => this.#server.close(0));
  }

  /** Makes a call, and leaves when it is prepared and `whilePrepared` has been seen to. */
  async leave(
    departure: Departure,
    make: (channel: Channel, options: CallOptions) => Promise<unknown>,
    whilePrepared: () => void,
  ): Promise<void> {
    const onBackchannel = (stream: Duplex): void => this.#server.accept(stream, CONNECTION);
    const channel = dial(this.#forge.grpcAddress, { sidechannel: true, onBackchannel });
    const prepared = new Promise<void>((resolve) => {
      this.#onPrepared = resolve;
    });
    const aborting = new AbortController();
    const metadata = { "gitaly-reference-transaction": TRANSACTION.toString("base64") };
    try {
      const answer = make(channel, { metadata, signal: aborting.signal }).then(
        () => expectKept(false, "a change was made that nobody had agreed to"),
        (error: unknown) => {
          if (!aborting.signal.aborted && departure === "cancel") throw error;
        },
      );
      await Promise.race([prepared, answer]);
      whilePrepared();
      if (departure === "cancel") aborting.abort();
      else await channel.close();
      await answer;
    } finally {
      await channel.close();
    }
  }
}

const COMMIT = commitHeader({
  repository: DRILL_REPOSITORY,
  user: DRILL_USER,
  commitMessage: Buffer.from("message"),
});

/** The changes that are cancelled, in turn; each works on references of its own. */
const CHANGES: readonly ((
  channel: Channel,
  options: CallOptions,
  tip: string,
  round: number,
) => Promise<unknown>)[] = [
  (channel, options, tip, round) => {
    const updates = [0, 1].map((index) => ({
      reference: Buffer.from(`refs/heads/updated-${round}-${index}`),
      newObjectId: Buffer.from(tip),
      oldObjectId: Buffer.from(""),
    }));
    const refs = createClient(RefService, channel);
    return refs.updateReferences([{ repository: DRILL_REPOSITORY, updates }], options);
  },
  (channel, options, tip, round) =>
    createClient(RepositoryService, channel).writeRef(
      {
        repository: DRILL_REPOSITORY,
        ref: Buffer.from(`refs/heads/written-${round}`),
        revision: Buffer.from(tip),
      },
      options,
    ),
  (channel, options) =>
    createClient(RefService, channel).deleteRefs(
      { repository: DRILL_REPOSITORY, refs: [Buffer.from("refs/heads/packed")] },
      options,
    ),
  (channel, options, tip, round) =>
    createClient(OperationService, channel).userCreateBranch(
      {
        repository: DRILL_REPOSITORY,
        user: DRILL_USER,
        branchName: Buffer.from(`created-${round}`),
        startPoint: Buffer.from(tip),
      },
      options,
    ),
  (channel, options, _tip, round) => {
    const payload = COMMIT.userCommitFilesRequestPayload;
    if (payload?.case !== "header") throw new Error("no header");
    const header = { ...payload.value, branchName: Buffer.from("commits") };
    const messages = [commitHeader(header), ...createFile(`file-${round}-${Date.now()}`, "x")];
    return createClient(OperationService, channel).userCommitFiles(messages, options);
  },
];

/** Takes clients away again and again; nothing of their changes may stay. */
async function drill(load: WriteLoad, path: string, rounds: number, attempt: Attempt) {
  const limitMs = rounds > 1 ? drillSize(PATIENCE_MS, LOCK_MS_MAX) : LOCK_MS_MAX;
  let lockMsMax = 0;
  for (let round = 0; round < rounds; round++) {
    const before = await load.served.run("for-each-ref");
    await attempt(round);
    const startMs = performance.now();
    let locks: string[] = [];
    const isFree = (): boolean => {
      locks = lockFiles(path);
      return locks.length === 0;
    };
    await eventually("locks are gone", limitMs, isFree).catch((error: unknown) => {
      throw locks.length > 0 ? new DrillFinding(`locks stay: ${locks.join(" ")}`) : error;
    });
    lockMsMax = Math.max(lockMsMax, Math.round(performance.now() - startMs));
    const after = await load.served.run("for-each-ref");
    expectKept(after === before, `references have changed in round ${round}`);
    // Unaided: those who come next find everything as if nobody had been there.
    const writer = load.writers[round % 2 === 0 ? 0 : 3];
    await writer?.write();
  }
  await expectSound(load.served);
  return { rounds, lockMsMax };
}

async function prepare(t: TestContext) {
  const forge = await startForge(t);
  const path = join(forge.storagePath, "drill.git");
  const load = await prepareWriteLoad(forge, temporaryDirectory(t), new RefModel());
  t.after(() => load.close());
  await load.writers[0]?.write();
  await load.served.run("update-ref", "refs/heads/packed", "main");
  await load.served.run("pack-refs", "--all");
  return { forge, path, load, tip: await load.served.run("rev-parse", "main") };
}

suite("drill 12: cancelled reference transactions", () => {
  test("no lock stays, and the next write needs no help", async (t) => {
    const { forge, path, load, tip } = await prepare(t);
    const client = new UndecidedClient(t, forge);
    let locksSeen = 0;
    const figures = await drill(load, path, drillSize(20, 200), async (round) => {
      const change = CHANGES[round % CHANGES.length];
      if (change === undefined) throw new Error("no change");
      const departure = Math.floor(round / CHANGES.length) % 2 === 0 ? "cancel" : "hang up";
      await client.leave(
        departure,
        (channel, options) => change(channel, options, tip, round),
        () => {
          const held = lockFiles(path).length;
          if (held === 0) throw new Error(`no lock is held in round ${round}`);
          locksSeen += held;
        },
      );
    });
    reportFigures(t, "12", { ...figures, locksSeen });
  });

  test("control: a transaction that somebody keeps prepared is found", async (t) => {
    const { path, load, tip } = await prepare(t);
    const child = spawn(findTestGit(), ["update-ref", "--stdin"], {
      cwd: path,
      stdio: ["pipe", "pipe", "inherit"],
    });
    const closed = once(child, "close");
    try {
      await mustBeFound(/^locks stay: .*kept\.lock/, () =>
        drill(load, path, 1, async () => {
          child.stdin.write(`start\ncreate refs/heads/kept ${tip}\nprepare\n`);
          await eventually("it is prepared", PATIENCE_MS, () => lockFiles(path).length > 0);
        }),
      );
    } finally {
      child.stdin.end();
      await closed;
    }
  });
});
