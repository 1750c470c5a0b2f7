import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../../base/log/logger.ts";
import { RefService } from "../../proto/ref_pb.ts";
import { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import type { Call } from "../call.ts";
import type { CallOptions } from "../client/call-options.ts";
import { Channel, type DialOptions, dial } from "../client/channel.ts";
import { createClient } from "../client/client.ts";
import { serve } from "../handler.ts";
import type { Connection } from "../listener/connection.ts";
import { listen } from "../listener/listener.ts";
import { failedPrecondition, wrapError } from "../rpc-error.ts";
import { GrpcServer } from "../server/grpc-server.ts";
import { YamuxSession } from "../yamux/yamux-session.ts";
import type { YamuxStream } from "../yamux/yamux-stream.ts";
import { dialBackchannel } from "./backchannel.ts";
import type { ClientSidechannel } from "./client-sidechannel.ts";
import { openSidechannel } from "./open-sidechannel.ts";
import type { ServerSidechannel } from "./server-sidechannel.ts";

interface Started {
  readonly path: string;
  readonly channel: Channel;
  /** Calls the one RPC of the server. */
  ask(options?: CallOptions): Promise<unknown>;
}

/** A server with one RPC, and a multiplexed channel to it. */
async function start(
  t: TestContext,
  handler: (call: Call) => Promise<void>,
  options: DialOptions = { sidechannel: true },
): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), "sidechannel-"));
  const path = join(folder, "socket");
  const service = serve(SmartHTTPService, {
    postUploadPackWithSidechannel: async (_, call) => {
      await handler(call);
      return {};
    },
  });
  const server = new GrpcServer({ services: [service], interceptors: [] });
  const listener = await listen(
    { kind: "unix", path },
    { onConnection: (stream, connection) => server.accept(stream, connection), log: silentLogger },
  );
  const channel = dial(`unix:${path}`, options);
  t.after(async () => {
    await channel.close();
    await server.close(0);
    await listener.close();
    await rm(folder, { recursive: true });
  });
  const client = createClient(SmartHTTPService, channel);
  const ask = (callOptions?: CallOptions): Promise<unknown> =>
    client.postUploadPackWithSidechannel({}, callOptions);
  return { path, channel, ask };
}

async function open({ connection, metadata, signal }: Call): Promise<ServerSidechannel> {
  return openSidechannel(connection, metadata, signal).catch((error: unknown) => {
    throw wrapError("internal", "open sidechannel", error);
  });
}

async function readAll(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const unused = async (): Promise<void> => assert.fail("no sidechannel was to be opened");

test("a request goes to the server and its answer comes back", async (t) => {
  const { channel, ask } = await start(t, async (call) => {
    await using stream = await open(call);
    const request = await readAll(stream);
    stream.write(`you said: ${request}`);
    await stream.close();
  });
  let answer = "";
  await channel.withSidechannel(async (stream) => {
    stream.end("hello");
    answer = String(await readAll(stream));
  }, ask);
  assert.equal(answer, "you said: hello");
});

test("20 MB flow in both directions at once, unchanged", async (t) => {
  const { channel, ask } = await start(t, async (call) => {
    await using stream = await open(call);
    await pipeline(stream, stream, { end: true });
  });
  const sent = randomBytes(20_000_001);
  let received: Buffer = Buffer.alloc(0);
  await channel.withSidechannel(async (stream) => {
    const reading = readAll(stream);
    stream.end(sent);
    received = await reading;
  }, ask);
  assert.ok(received.equals(sent));
});

test("many calls have their sidechannels at once, each its own", async (t) => {
  const { channel, ask } = await start(t, async (call) => {
    await using stream = await open(call);
    for await (const chunk of stream) stream.write(chunk);
  });
  const echo = async (text: string): Promise<string> => {
    let answer = "";
    await channel.withSidechannel(async (stream) => {
      stream.end(text);
      answer = String(await readAll(stream));
    }, ask);
    return answer;
  };
  const texts = Array.from({ length: 300 }, (_, number) => `call ${number}`);
  assert.deepEqual(await Promise.all(texts.map(echo)), texts);
});

test("the answer may begin before the request has ended", async (t) => {
  const { channel, ask } = await start(t, async (call) => {
    await using stream = await open(call);
    stream.write("advertisement");
    for await (const chunk of stream) stream.write(`${chunk}!`);
  });
  await channel.withSidechannel(async (stream) => {
    const answers = stream[Symbol.asyncIterator]();
    assert.equal(String((await answers.next()).value), "advertisement");
    stream.write("want");
    assert.equal(String((await answers.next()).value), "want!");
    stream.end();
    assert.equal((await answers.next()).done, true);
  }, ask);
});

test("a client that reads nothing holds the server back", async (t) => {
  let written = 0;
  const { channel, ask } = await start(t, async (call) => {
    await using stream = await open(call);
    for (; written < 400; written += 1) {
      if (!stream.write(Buffer.alloc(100_000))) await once(stream, "drain");
    }
  });
  await channel.withSidechannel(async (stream) => {
    await once(stream, "readable");
    const failing = createClient(RefService, channel);
    for (let turn = 0; turn < 100; turn += 1) await failing.refExists({}).catch(() => undefined);
    assert.ok(written < 100, `server ran ahead: ${written}`);
    assert.equal((await readAll(stream)).length, 40_000_000);
  }, ask);
});

test("the server learns that the client has left in the middle", async (t) => {
  const failure = Promise.withResolvers<unknown>();
  const { channel, ask } = await start(t, async (call) => {
    await using stream = await open(call);
    stream.write("go on");
    await readAll(stream).catch(failure.resolve);
  });
  const broken = new Error("the git client has gone");
  const call = channel.withSidechannel(async (stream) => {
    await once(stream, "readable");
    stream.write("half a req");
    throw broken;
  }, ask);
  await assert.rejects(call, broken);
  assert.match(String(await failure.promise), /connection reset|call aborted/);
});

test("a cancelled call ends its sidechannel on both sides", async (t) => {
  const opened = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<unknown>();
  const { channel, ask } = await start(t, async (call) => {
    await using stream = await open(call);
    stream.once("close", () => ended.resolve(undefined));
    opened.resolve();
    await readAll(stream);
  });
  const controller = new AbortController();
  const streams: ClientSidechannel[] = [];
  const call = channel.withSidechannel(
    async (stream) => {
      streams.push(stream);
      await readAll(stream);
    },
    ask,
    { signal: controller.signal },
  );
  await opened.promise;
  controller.abort();
  await assert.rejects(call, { kind: "cancelled" });
  await ended.promise;
  assert.ok(streams.every(({ destroyed }) => destroyed));
});

test("what the server says before its call fails is read", async (t) => {
  const { channel, ask } = await start(t, async (call) => {
    await using stream = await open(call);
    stream.write("last words");
    throw failedPrecondition("no such luck");
  });
  let heard = "";
  const call = channel.withSidechannel(async (stream) => {
    heard = String(await readAll(stream));
  }, ask);
  await assert.rejects(call, { kind: "failed-precondition", message: "no such luck" });
  assert.equal(heard, "last words");
});

test("a client reads an end, not a failure, when the server gives up", async (t) => {
  const { channel, ask } = await start(t, async (call) => {
    const stream = await open(call);
    stream.write("some");
    await once(stream, "readable");
    stream.destroy();
    throw failedPrecondition("no such luck");
  });
  const ended = Promise.withResolvers<void>();
  const call = channel.withSidechannel(async (stream) => {
    stream.write("a beginning");
    await readAll(stream);
    ended.resolve();
  }, ask);
  await assert.rejects(call, { kind: "failed-precondition" });
  await ended.promise;
});

test("a server that goes away in the middle fails the call", async (t) => {
  const { channel, ask } = await start(t, async (call) => {
    await using stream = await open(call);
    stream.write("the beginning");
    call.connection.mux?.destroy();
  });
  const call = channel.withSidechannel(async (stream) => {
    await readAll(stream);
  }, ask);
  await assert.rejects(call, { kind: "unavailable" });
});

test("a client that ends the stream without saying so is an error", async (t) => {
  const failure = Promise.withResolvers<unknown>();
  const { path } = await start(t, async (call) => {
    await using stream = await open(call);
    await readAll(stream).catch(failure.resolve);
  });
  await rawClient(t, path, (stream) => stream.end("ok0009hello"));
  assert.match(String(await failure.promise), /sidechannel: unexpected EOF/);
});

test("a client that answers anything but ok is refused", async (t) => {
  const failure = Promise.withResolvers<unknown>();
  const { path } = await start(t, async (call) => {
    await open(call).catch(failure.resolve);
  });
  await rawClient(t, path, (stream) => stream.end("no"));
  const message = 'open sidechannel: sidechannel: expected ok, got "no"';
  assert.equal(Object(await failure.promise).message, message);
});

test("a client that closes the stream at once makes the call worth a retry", async (t) => {
  const failure = Promise.withResolvers<unknown>();
  const { path } = await start(t, async ({ connection, metadata, signal }) => {
    await openSidechannel(connection, metadata, signal).catch(failure.resolve);
  });
  await rawClient(t, path, (stream) => stream.end());
  const error = Object(await failure.promise);
  assert.equal(error.message, "sidechannel: receive confirmation: EOF");
  assert.equal(error.retryable, true);
});

test("a client that doesn't answer holds nobody up for long", async (t) => {
  const failure = Promise.withResolvers<unknown>();
  const { path } = await start(t, async ({ connection, metadata, signal }) => {
    t.mock.method(AbortSignal, "timeout", () => AbortSignal.abort());
    await openSidechannel(connection, metadata, signal).catch(failure.resolve);
  });
  await rawClient(t, path, () => undefined);
  const error = Object(await failure.promise);
  assert.equal(error.message, "sidechannel: receive confirmation: i/o deadline reached");
  assert.equal(error.retryable, true);
});

test("a client without a multiplexed connection is told so", async (t) => {
  const { ask, channel } = await start(t, async (call) => void (await open(call)), {});
  await assert.rejects(ask({ metadata: { "gitaly-sidechannel-id": "1" } }), {
    kind: "internal",
    message:
      "open sidechannel: sidechannel: fail to extract mux session: non-multiplexed connection",
  });
  await assert.rejects(channel.withSidechannel(unused, ask), { kind: "failed-precondition" });
});

test("a client that names no sidechannel is told so", async (t) => {
  const { ask } = await start(t, async (call) => void (await open(call)));
  await assert.rejects(ask(), {
    kind: "internal",
    message: "open sidechannel: sidechannel: sidechannel-id not found in incoming metadata",
  });
});

test("a sidechannel that nobody waits for is closed", async (t) => {
  const { ask } = await start(t, async (call) => void (await open(call)));
  await assert.rejects(ask({ metadata: { "gitaly-sidechannel-id": "77" } }), {
    kind: "internal",
    message: "open sidechannel: sidechannel: receive confirmation: connection reset",
  });
});

test("a server that opens no sidechannel is an error", async (t) => {
  const { channel, ask } = await start(t, async () => undefined);
  await assert.rejects(channel.withSidechannel(unused, ask), {
    message: "sidechannel: callback de-registered without having run",
  });
});

test("the server calls its client over the same connection", async (t) => {
  const heard = Promise.withResolvers<boolean>();
  const handlers = { refExists: async () => ({ value: true }) };
  const own = new GrpcServer({ services: [serve(RefService, handlers)], interceptors: [] });
  t.after(() => own.close(0));
  const connection: Connection = { kind: "tcp", peer: "server", mux: undefined, bytesWritten: 0 };
  const onBackchannel = (stream: Duplex): void => own.accept(stream, connection);
  const handler = async (call: Call): Promise<void> => {
    await using backchannel = dialBackchannel(call.connection);
    heard.resolve((await createClient(RefService, backchannel).refExists({})).value);
  };
  const { ask } = await start(t, handler, { sidechannel: true, onBackchannel });
  await ask();
  assert.equal(await heard.promise, true);
});

/** A multiplexed client whose answer to the greeting is the test's. */
async function rawClient(
  t: TestContext,
  path: string,
  answer: (stream: YamuxStream) => void,
): Promise<void> {
  const socket = connect(path);
  socket.write("backchannel");
  const onStream = (stream: YamuxStream): void => {
    stream.once("data", () => answer(stream));
  };
  const session = new YamuxSession(socket, { side: "client", onStream, acceptedStreamsMax: 1 });
  const authority = "http://localhost";
  const channel = new Channel({ authority, open: (signal) => session.open(signal) }, {});
  t.after(async () => {
    await channel.close();
    session.destroy();
  });
  const metadata = { "gitaly-sidechannel-id": "0" };
  const client = createClient(SmartHTTPService, channel);
  await client.postUploadPackWithSidechannel({}, { metadata }).catch(() => undefined);
}
