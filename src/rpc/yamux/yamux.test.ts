import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Duplex, duplexPair } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type TestContext, test } from "node:test";
import { encodeHeader, FLAG_ACK, TYPE_WINDOW_UPDATE } from "./frame.ts";
import { type YamuxOptions, YamuxSession } from "./yamux-session.ts";
import type { YamuxStream } from "./yamux-stream.ts";

interface Pair {
  readonly client: YamuxSession;
  readonly server: YamuxSession;
}

/** Two sessions that talk over a real socket. */
async function connectedPair(
  t: TestContext,
  onStream: (stream: YamuxStream) => void,
  options: Partial<YamuxOptions> = {},
): Promise<Pair> {
  const folder = await mkdtemp(join(tmpdir(), "yamux-"));
  const listener = createServer();
  listener.listen(join(folder, "socket"));
  const accepted = once(listener, "connection");
  const near = connect(join(folder, "socket"));
  const far: Socket = (await accepted)[0];
  const shared = { acceptedStreamsMax: 10_000, ...options };
  const client = new YamuxSession(near, { side: "client", onStream: () => undefined, ...shared });
  const server = new YamuxSession(far, { side: "server", onStream, ...shared });
  t.after(async () => {
    client.destroy();
    server.destroy();
    listener.close();
    await rm(folder, { recursive: true });
  });
  return { client, server };
}

function echo(stream: YamuxStream): void {
  stream.pipe(stream);
}

async function readAll(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test("100 MB go both ways unchanged", async (t) => {
  const { client } = await connectedPair(t, echo);
  const stream = await client.open();
  const block = randomBytes(1_000_003);
  const sent = createHash("sha256");
  const received = createHash("sha256");
  async function* blocks(): AsyncGenerator<Buffer> {
    for (let count = 0; count < 100; count += 1) {
      sent.update(block);
      yield block;
    }
  }
  let bytes = 0;
  const reading = (async () => {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      received.update(chunk);
    }
  })();
  await pipeline(blocks, stream, { end: true });
  await reading;
  assert.equal(bytes, 100_000_300);
  assert.equal(received.digest("hex"), sent.digest("hex"));
});

test("many streams of both sides live side by side", async (t) => {
  const { client, server } = await connectedPair(t, echo);
  const talk = async (number: number): Promise<void> => {
    const stream = await client.open();
    const text = Buffer.from(`stream ${number} `.repeat(number));
    stream.end(text);
    assert.ok((await readAll(stream)).equals(text));
  };
  await Promise.all(Array.from({ length: 600 }, (_, number) => talk(number)));
  assert.ok(client.isOpen && server.isOpen);
});

test("the server opens streams as well", async (t) => {
  const received = Promise.withResolvers<Buffer>();
  const onStream = (stream: YamuxStream): void => {
    readAll(stream).then(received.resolve, received.reject);
    stream.end();
  };
  const [near, far] = duplexPair();
  const client = new YamuxSession(near, { side: "client", acceptedStreamsMax: 1, onStream });
  const server = new YamuxSession(far, { side: "server", acceptedStreamsMax: 1, onStream });
  t.after(() => {
    client.destroy();
    server.destroy();
  });
  const stream = await server.open();
  assert.equal(stream.id, 2);
  stream.end("hello");
  assert.equal(String(await received.promise), "hello");
});

test("a reader that pauses holds the writer back at the window", async (t) => {
  const windowBytes = 256 * 1024;
  const held = Promise.withResolvers<YamuxStream>();
  const { client } = await connectedPair(t, held.resolve, { windowBytes });
  const stream = await client.open();
  let written = 0;
  const writing = (async () => {
    for (let count = 0; count < 64; count += 1) {
      written += 64 * 1024;
      if (!stream.write(Buffer.alloc(64 * 1024, count))) await once(stream, "drain");
    }
    stream.end();
  })();
  const far = await held.promise;
  // Round trips on the same connection: whatever could have been sent, has been.
  for (let turn = 0; turn < 20; turn += 1) assert.ok(await client.ping());
  assert.ok(written <= windowBytes + stream.writableHighWaterMark + 64 * 1024, `sent ${written}`);
  assert.equal((await readAll(far)).length, 64 * 64 * 1024);
  await writing;
});

test("a direction that is closed leaves the other one open", async (t) => {
  const { client } = await connectedPair(t, (stream) => {
    stream.once("end", () => stream.end("answer after the end"));
    stream.resume();
  });
  const stream = await client.open();
  stream.end("question");
  assert.equal(String(await readAll(stream)), "answer after the end");
});

test("destroying a stream resets it at the other side and spares the session", async (t) => {
  const failed = Promise.withResolvers<Error>();
  const { client } = await connectedPair(t, (stream) => {
    stream.resume();
    stream.once("error", failed.resolve);
  });
  const stream = await client.open();
  stream.write("half a sen");
  await client.ping();
  stream.destroy();
  assert.match(String(await failed.promise), /connection reset/);
  assert.ok(await client.ping());
});

test("hanging up in the middle is an end at the other side, not a failure", async (t) => {
  const ended = Promise.withResolvers<Error | null>();
  const { client } = await connectedPair(t, (stream) => {
    stream.resume();
    stream.once("error", ended.resolve);
    stream.once("end", () => ended.resolve(null));
  });
  const stream = await client.open();
  stream.write("half a sen");
  await client.ping();
  stream.hangUp();
  assert.equal(await ended.promise, null);
  assert.ok(await client.ping());
});

test("a writer that waits for the window hears of the reset", async (t) => {
  const { client } = await connectedPair(t, (stream) =>
    stream.once("readable", () => stream.destroy()),
  );
  const stream = await client.open();
  const failure = once(stream, "error");
  stream.write(Buffer.alloc(64 * 1024 * 1024));
  assert.match(String(await failure), /connection reset/);
});

test("the end of the connection ends every stream", async (t) => {
  const { client, server } = await connectedPair(t, () => undefined);
  const streams = await Promise.all([client.open(), client.open()]);
  const failures = Promise.all(
    streams.map(async (stream) => String((await once(stream, "error"))[0])),
  );
  await client.ping();
  server.destroy();
  await client.closed;
  for (const failure of await failures) assert.match(failure, /session shutdown/);
  await assert.rejects(client.open(), { kind: "unavailable" });
  assert.equal(await client.ping(), false);
});

test("what was sent before the session is closed arrives", async (t) => {
  const received = Promise.withResolvers<Buffer>();
  const { client } = await connectedPair(t, (stream) => {
    readAll(stream).then(received.resolve, received.reject);
  });
  const stream = await client.open();
  const bytes = randomBytes(3_000_000);
  stream.end(bytes);
  await once(stream, "finish");
  client.close();
  assert.ok((await received.promise).equals(bytes));
});

test("goAway lets streams finish and refuses new ones", async (t) => {
  const { client, server } = await connectedPair(t, echo);
  const stream = await client.open();
  await client.ping();
  server.goAway();
  await client.ping();
  await assert.rejects(client.open(), { kind: "unavailable" });
  stream.end("still here");
  assert.equal(String(await readAll(stream)), "still here");
});

test("streams beyond the limit are reset, those before go on", async (t) => {
  const { client } = await connectedPair(t, echo, { acceptedStreamsMax: 1 });
  const first = await client.open();
  const second = await client.open();
  await once(second, "error");
  first.end("first");
  assert.equal(String(await readAll(first)), "first");
  const third = await client.open();
  third.end("third");
  assert.equal(String(await readAll(third)), "third");
});

test("opening waits for streams to be accepted, and for its signal", async () => {
  const [near, far] = duplexPair();
  far.resume();
  const session = new YamuxSession(near, {
    side: "client",
    onStream: () => undefined,
    acceptedStreamsMax: 1,
  });
  const opens = Array.from({ length: 256 }, () => session.open());
  await Promise.all(opens);
  const controller = new AbortController();
  const aborted = session.open(controller.signal);
  const waiting = session.open();
  controller.abort();
  await assert.rejects(aborted, { name: "AbortError" });
  far.write(encodeHeader(TYPE_WINDOW_UPDATE, FLAG_ACK, 1, 0));
  assert.equal((await waiting).id, 513);
  const last = session.open();
  session.destroy();
  await assert.rejects(last, { kind: "unavailable" });
});
