import assert from "node:assert/strict";
import { once } from "node:events";
import {
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { createServer as createTcpServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { RefExistsResponseSchema, RefService } from "../../proto/ref_pb.ts";
import { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import { type Channel, dial } from "./channel.ts";
import { createClient } from "./client.ts";
import { frameMessage } from "./message-frame.ts";

type Serve = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

const HEADERS: OutgoingHttpHeaders = { ":status": 200, "content-type": "application/grpc" };
const TRUE = frameMessage(
  toBinary(RefExistsResponseSchema, create(RefExistsResponseSchema, { value: true })),
);

/** A server on bare HTTP/2, free to break gRPC's rules. */
async function start(
  t: TestContext,
  serve: Serve,
): Promise<{ channel: Channel; server: Http2Server }> {
  const server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    stream.on("error", () => undefined);
    serve(stream, headers);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const channel = dialLocal(server.address());
  t.after(async () => {
    await channel.close();
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { channel, server };
}

function dialLocal(address: string | { port: number } | null): Channel {
  assert.ok(address !== null && typeof address === "object");
  return dial(`tcp://127.0.0.1:${address.port}`);
}

function answer(stream: ServerHttp2Stream, body: Buffer, trailers: OutgoingHttpHeaders): void {
  stream.respond(HEADERS, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers(trailers));
  stream.end(body);
}

const FAILURES: Readonly<Record<string, { serve: Serve; kind: string; message?: RegExp }>> = {
  "no status": {
    serve: (stream) => {
      stream.respond(HEADERS);
      stream.end(TRUE);
    },
    kind: "internal",
    message: /without sending trailers/,
  },
  "a status that is no number": {
    serve: (stream) => stream.respond({ ...HEADERS, "grpc-status": "fine" }, { endStream: true }),
    kind: "unknown",
  },
  "a status beyond the known ones": {
    serve: (stream) => answer(stream, TRUE, { "grpc-status": "99", "grpc-message": "odd" }),
    kind: "unknown",
    message: /^odd$/,
  },
  "no message but success": {
    serve: (stream) => answer(stream, Buffer.alloc(0), { "grpc-status": "0" }),
    kind: "internal",
    message: /no reply/,
  },
  "two messages": {
    serve: (stream) => answer(stream, Buffer.concat([TRUE, TRUE]), { "grpc-status": "0" }),
    kind: "internal",
    message: /more than one reply/,
  },
  "a message that is cut short": {
    serve: (stream) => answer(stream, TRUE.subarray(0, 6), { "grpc-status": "0" }),
    kind: "internal",
    message: /unexpected EOF/,
  },
  "a message that is none": {
    serve: (stream) => answer(stream, frameMessage(Buffer.from([255])), { "grpc-status": "0" }),
    kind: "internal",
    message: /unmarshal/,
  },
  "a compressed message": {
    serve: (stream) => stream.respond({ ...HEADERS, "grpc-encoding": "gzip" }),
    kind: "internal",
    message: /grpc-encoding "gzip"/,
  },
  "details that can't be read": {
    serve: (stream) =>
      answer(stream, TRUE, { "grpc-status": "5", "grpc-status-details-bin": "////" }),
    kind: "not-found",
  },
  "HTTP status 503": {
    serve: (stream) => stream.respond({ ":status": 503 }, { endStream: true }),
    kind: "unavailable",
    message: /503/,
  },
  "HTTP status 404 with a page": {
    serve: (stream) => {
      stream.respond({ ":status": 404, "content-type": "text/html" });
      stream.end("<html>".repeat(10_000));
    },
    kind: "unimplemented",
  },
  "a reset": {
    serve: (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
    kind: "internal",
    message: /RST_STREAM/,
  },
  "a cancellation": {
    serve: (stream) => stream.close(constants.NGHTTP2_CANCEL),
    kind: "cancelled",
  },
  "a refusal, again and again": {
    serve: (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM),
    kind: "unavailable",
  },
  "the end of the connection": {
    serve: (stream) => stream.session?.socket.destroy(),
    kind: "unavailable",
  },
};

for (const [what, { serve, kind, message }] of Object.entries(FAILURES)) {
  test(`a server that answers with ${what} fails the call as ${kind}`, async (t) => {
    const { channel } = await start(t, serve);
    const call = createClient(RefService, channel).refExists({});
    await assert.rejects(call, message === undefined ? { kind } : { kind, message });
  });
}

test("a call that was refused unseen is made again", async (t) => {
  let calls = 0;
  const { channel } = await start(t, (stream) => {
    calls += 1;
    if (calls % 2 === 1) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else answer(stream, frameMessage(Buffer.alloc(0)), { "grpc-status": "0" });
  });
  assert.equal((await createClient(RefService, channel).refExists({})).value, false);
  const replies = createClient(SmartHTTPService, channel).infoRefsUploadPack({});
  assert.equal((await replies.next()).done, false);
  assert.equal(calls, 4);
});

test("a server that says goodbye serves what it has begun; later calls connect anew", async (t) => {
  const sessions = new Set<unknown>();
  const held: ServerHttp2Stream[] = [];
  const { channel } = await start(t, (stream) => {
    sessions.add(stream.session);
    if (sessions.size === 1 && held.length === 0) {
      held.push(stream);
      stream.session?.goaway(constants.NGHTTP2_NO_ERROR, stream.id);
    } else answer(stream, TRUE, { "grpc-status": "0" });
  });
  const client = createClient(RefService, channel);
  const first = client.refExists({});
  while (held.length === 0) await new Promise(setImmediate);
  while (sessions.size === 1) assert.equal((await client.refExists({})).value, true);
  for (const stream of held) answer(stream, TRUE, { "grpc-status": "0" });
  assert.equal((await first).value, true);
});

test("a server that answers before it has read the requests ends their sending", async (t) => {
  const { channel } = await start(t, (stream) => {
    stream.pause();
    stream.respond({ ...HEADERS, "grpc-status": "8", "grpc-message": "full" }, { endStream: true });
  });
  async function* endless(): AsyncGenerator<{ data: Uint8Array }> {
    for (;;) yield { data: Buffer.alloc(100_000) };
  }
  const replies = createClient(SmartHTTPService, channel).postReceivePack(endless());
  await assert.rejects(replies.next(), { kind: "resource-exhausted", message: "full" });
});

test("a connection whose server falls silent is given up", async (t) => {
  const silent = createTcpServer();
  const sockets: Socket[] = [];
  silent.on("connection", (socket) => sockets.push(socket.on("error", () => undefined)));
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  t.mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  const channel = dialLocal(Object(silent.address()));
  t.after(async () => {
    await channel.close();
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const call = createClient(RefService, channel).refExists({});
  const failed = assert.rejects(call, { kind: "unavailable" });
  const [socket] = await once(silent, "connection");
  await once(socket, "data");
  t.mock.timers.tick(20_000);
  t.mock.timers.tick(20_000);
  await failed;
});
