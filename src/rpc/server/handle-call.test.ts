import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../../base/log/logger.ts";
import { SSHService } from "../../proto/ssh_pb.ts";
import { type Channel, dial } from "../client/channel.ts";
import { createClient } from "../client/client.ts";
import { type Handler, serve } from "../handler.ts";
import { listen } from "../listener/listener.ts";
import { internal } from "../rpc-error.ts";
import { GrpcServer } from "./grpc-server.ts";

type UploadArchive = Handler<typeof SSHService.method.sSHUploadArchive>;

const REPLY_BYTES = 4_000_000;

/** A server that answers SSHUploadArchive so. */
async function start(t: TestContext, sSHUploadArchive: UploadArchive): Promise<Channel> {
  const folder = await mkdtemp(join(tmpdir(), "handle-call-"));
  const path = join(folder, "socket");
  const server = new GrpcServer({
    services: [serve(SSHService, { sSHUploadArchive })],
    interceptors: [],
  });
  const onConnection = server.accept.bind(server);
  const listener = await listen({ kind: "unix", path }, { onConnection, log: silentLogger });
  const channel = dial(`unix:${path}`);
  t.after(async () => {
    await channel.close();
    await server.close(0);
    await listener.close();
    await rm(folder, { recursive: true });
  });
  return channel;
}

async function readAll(requests: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of requests);
}

test("a failure is told although requests are being read and replies wait to be sent", async (t) => {
  const failed = Promise.withResolvers<void>();
  const channel = await start(t, async function* (requests) {
    readAll(requests).catch(() => undefined);
    // More than a client takes that doesn't read, fewer replies than the server waits for.
    for (let reply = 0; reply < 4; reply += 1) yield { stdout: Buffer.alloc(REPLY_BYTES) };
    setImmediate(failed.resolve);
    throw internal("the archive is no good");
  });
  const done = Promise.withResolvers<void>();
  const requests = async function* () {
    yield {};
    await done.promise;
  };
  let size = 0;
  const read = async (): Promise<void> => {
    for await (const { stdout } of createClient(SSHService, channel).sSHUploadArchive(requests())) {
      await failed.promise;
      size += stdout.length;
    }
  };
  await assert.rejects(read, { kind: "internal", message: "the archive is no good" });
  done.resolve();
  assert.equal(size, 4 * REPLY_BYTES);
});
