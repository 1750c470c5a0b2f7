import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { RefService } from "../../proto/ref_pb.ts";
import { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import {
  define,
  exists,
  HANGS,
  infoRefs,
  startByteServer,
} from "../../testing/byte-grpc-server.ts";
import { dial } from "./channel.ts";
import { createClient } from "./client.ts";

const { refExists } = RefService.method;

type Unary = ServerUnaryCall<Uint8Array, Uint8Array>;
type Writing = ServerWritableStream<Uint8Array, Uint8Array>;
type Answer = sendUnaryData<Uint8Array>;

test("an aborted signal cancels the call on both sides", async (t) => {
  const started = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<void>();
  const channel = await startByteServer(t, {
    RefExists: (call: Unary) => {
      call.on("cancelled", () => cancelled.resolve());
      started.resolve();
    },
  });
  const controller = new AbortController();
  const call = createClient(RefService, channel).refExists({}, { signal: controller.signal });
  await started.promise;
  controller.abort();
  await assert.rejects(call, { kind: "cancelled", message: "context canceled" });
  await cancelled.promise;
});

test("a deadline ends the call", async (t) => {
  const channel = await startByteServer(t, HANGS);
  const client = createClient(RefService, channel);
  await assert.rejects(client.refExists({}, { timeoutMs: 30 }), { kind: "deadline-exceeded" });
  const signal = AbortSignal.timeout(30);
  await assert.rejects(client.refExists({}, { signal }), { kind: "deadline-exceeded" });
});

test("a reply above the limit is refused", async (t) => {
  const handlers: UntypedServiceImplementation = {
    InfoRefsUploadPack: (call: Writing) => {
      call.write(infoRefs(Buffer.alloc(2000)));
      call.end();
    },
  };
  const channel = await startByteServer(t, handlers, { messageBytesMax: 1000 });
  const replies = createClient(SmartHTTPService, channel).infoRefsUploadPack({});
  await assert.rejects(replies.next(), {
    kind: "resource-exhausted",
    message: "grpc: received message larger than max (2003 vs. 1000)",
  });
});

test("a server that isn't there is unavailable, and found once it is", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "rpc-client-"));
  t.after(() => rm(folder, { recursive: true }));
  const channel = dial(`unix:${join(folder, "socket")}`);
  const client = createClient(RefService, channel);
  await assert.rejects(client.refExists({}), { kind: "unavailable" });

  const server = new Server();
  t.after(() => server.forceShutdown());
  const handler = (_call: Unary, answer: Answer): void => answer(null, exists(true));
  server.addService({ RefExists: define(refExists) }, { RefExists: handler });
  await new Promise((resolve) => {
    const credentials = ServerCredentials.createInsecure();
    server.bindAsync(`unix:${join(folder, "socket")}`, credentials, resolve);
  });
  assert.equal((await client.refExists({})).value, true);
  await channel.close();
  await assert.rejects(client.refExists({}), { kind: "cancelled" });
});

test("a connection that is lost fails its calls and is made anew", async (t) => {
  const started = Promise.withResolvers<void>();
  let calls = 0;
  const channel = await startByteServer(t, {
    RefExists: (call: Unary, answer: Answer) => {
      calls += 1;
      if (calls > 1) return answer(null, exists(true));
      started.resolve();
      return Reflect.get(Reflect.get(Reflect.get(call, "call"), "stream"), "session").destroy();
    },
  });
  const client = createClient(RefService, channel);
  await assert.rejects(client.refExists({}), { kind: "unavailable" });
  await started.promise;
  assert.equal((await client.refExists({})).value, true);
});

test("a server that speaks no HTTP/2 is unavailable", async (t) => {
  const sockets = new Set<Socket>();
  const server: TcpServer = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const channel = dial(`tcp://127.0.0.1:${address.port}`);
  t.after(() => channel.close());
  const call = createClient(RefService, channel).refExists({});
  await assert.rejects(call, { kind: "unavailable" });
});
