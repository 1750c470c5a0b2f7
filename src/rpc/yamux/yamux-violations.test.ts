import assert from "node:assert/strict";
import { once } from "node:events";
import { type Duplex, duplexPair } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import {
  encodeHeader,
  FLAG_FIN,
  FLAG_RST,
  FLAG_SYN,
  type FrameHeader,
  FrameReader,
  GO_AWAY_PROTOCOL_ERROR,
  TYPE_DATA,
  TYPE_GO_AWAY,
  TYPE_PING,
  TYPE_WINDOW_UPDATE,
} from "./frame.ts";
import { type YamuxOptions, YamuxSession } from "./yamux-session.ts";
import type { YamuxStream } from "./yamux-stream.ts";

/** A server session and the bytes of its other side, which the test writes itself. */
function hostile(options: Partial<YamuxOptions> = {}): {
  session: { yamux: YamuxSession; accepted: Promise<YamuxStream> };
  peer: Duplex;
} {
  const [near, peer] = duplexPair();
  const accepted = Promise.withResolvers<YamuxStream>();
  const onStream = accepted.resolve;
  const shared = { side: "server", acceptedStreamsMax: 4, onStream } as const;
  const yamux = new YamuxSession(near, { ...shared, ...options });
  peer.on("error", () => undefined);
  return { session: { yamux, accepted: accepted.promise }, peer };
}

/** Waits for a frame that the session sends. */
async function frame(peer: Duplex, wanted: (header: FrameHeader) => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const reader = new FrameReader({
    onHeader: (header) => {
      if (wanted(header)) resolve();
    },
    onData: () => undefined,
    onEnd: () => undefined,
  });
  const onData = (chunk: Buffer): void => reader.push(chunk);
  peer.on("data", onData);
  await promise;
  peer.off("data", onData);
}

const SYN = encodeHeader(TYPE_WINDOW_UPDATE, FLAG_SYN, 1, 0);
const VIOLATIONS: Readonly<Record<string, readonly Buffer[]>> = {
  "an unknown version": [Buffer.from([1, ...SYN.subarray(1)])],
  "an unknown type": [encodeHeader(4, 0, 1, 0)],
  "unknown flags": [encodeHeader(TYPE_WINDOW_UPDATE, 16, 1, 0)],
  "a stream id of our side": [encodeHeader(TYPE_WINDOW_UPDATE, FLAG_SYN, 2, 0)],
  "a stream id in use": [SYN, SYN],
  "a frame without a stream": [encodeHeader(TYPE_DATA, 0, 0, 0)],
  "more data than the window allows": [
    SYN,
    encodeHeader(TYPE_DATA, 0, 1, 2 ** 25),
    Buffer.alloc(2 ** 25),
  ],
  "data after the end": [
    SYN,
    encodeHeader(TYPE_DATA, FLAG_FIN, 1, 0),
    encodeHeader(TYPE_DATA, 0, 1, 1),
    Buffer.alloc(1),
  ],
  "a window beyond 32 bits": [SYN, encodeHeader(TYPE_WINDOW_UPDATE, 0, 1, 2 ** 32 - 1)],
  "a flood of pings": Array.from({ length: 2000 }, () => encodeHeader(TYPE_PING, FLAG_SYN, 0, 1)),
  "a flood of streams": Array.from({ length: 2000 }, (_, index) =>
    encodeHeader(TYPE_WINDOW_UPDATE, FLAG_SYN, 2 * index + 1, 0),
  ),
};

for (const [name, frames] of Object.entries(VIOLATIONS)) {
  test(`${name} ends the session with a protocol error`, async () => {
    const { session, peer } = hostile();
    const told = frame(peer, ({ type, length }) => {
      return type === TYPE_GO_AWAY && length === GO_AWAY_PROTOCOL_ERROR;
    });
    peer.write(Buffer.concat(frames));
    await Promise.all([told, session.yamux.closed]);
  });
}

test("being told to go away for an error ends the session", async () => {
  const { session, peer } = hostile();
  peer.write(encodeHeader(TYPE_GO_AWAY, 0, 0, GO_AWAY_PROTOCOL_ERROR));
  await session.yamux.closed;
});

test("frames for streams that aren't there are skipped", async () => {
  const { session, peer } = hostile();
  peer.write(encodeHeader(TYPE_DATA, 0, 7, 3));
  peer.write("abc");
  peer.write(encodeHeader(TYPE_WINDOW_UPDATE, FLAG_RST, 9, 5));
  peer.write(encodeHeader(TYPE_PING, FLAG_SYN, 0, 77));
  await frame(peer, ({ type, length }) => type === TYPE_PING && length === 77);
  assert.ok(session.yamux.isOpen);
});

test("tiny pieces that nobody reads are kept together and arrive whole", async () => {
  const { session, peer } = hostile();
  const count = 300_000;
  const piece = Buffer.concat([encodeHeader(TYPE_DATA, 0, 1, 1), Buffer.from("x")]);
  peer.write(SYN);
  const stream = await session.accepted;
  const ping = encodeHeader(TYPE_PING, FLAG_SYN, 0, 5);
  peer.write(Buffer.concat([...Array.from({ length: count }, () => piece), ping]));
  await frame(peer, ({ type }) => type === TYPE_PING);
  peer.write(encodeHeader(TYPE_WINDOW_UPDATE, FLAG_FIN, 1, 0));
  let pieces = 0;
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    pieces += 1;
    bytes += chunk.length;
  });
  await once(stream, "end");
  assert.equal(bytes, count);
  assert.ok(pieces < count / 2, `${pieces} pieces`);
});

test("no bytes of the other side do worse than end the session", async () => {
  const header = fc
    .tuple(
      fc.constantFrom(0, 1, 2, 3, 4),
      fc.constantFrom(0, 1, 2, 4, 8, 5, 9, 12, 32),
      fc.constantFrom(0, 1, 2, 3, 5, 2 ** 32 - 1),
      fc.constantFrom(0, 1, 12, 300_000, 2 ** 31, 2 ** 32 - 1),
    )
    .map(([type, flags, id, length]) => encodeHeader(type, flags, id, length));
  const piece = fc.oneof(
    { weight: 5, arbitrary: header },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
  );
  const actions = fc.array(fc.constantFrom(...Object.values(ACTIONS)), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 30 }), actions, async (pieces, todo) => {
      const [near, peer] = duplexPair();
      const onStream = (stream: YamuxStream): void => {
        for (const act of todo) act(stream);
      };
      const session = new YamuxSession(near, { side: "server", acceptedStreamsMax: 2, onStream });
      peer.on("error", () => undefined).resume();
      for (const bytes of pieces) if (peer.writable) peer.write(bytes);
      peer.end();
      await session.closed;
    }),
    { numRuns: 300 },
  );
});

const ACTIONS: Readonly<Record<string, (stream: YamuxStream) => void>> = {
  read: (stream) => stream.resume(),
  write: (stream) => {
    if (stream.writable) stream.write(Buffer.alloc(1000));
  },
  end: (stream) => stream.end(),
  destroy: (stream) => stream.destroy(),
};

test("a closed stream that the other side never finishes is reset in the end", async () => {
  const { session, peer } = hostile({ lingerMs: 1 });
  peer.write(encodeHeader(TYPE_WINDOW_UPDATE, FLAG_SYN, 1, 0));
  const stream = await session.accepted;
  stream.end();
  stream.destroy();
  await frame(peer, ({ flags }) => (flags & FLAG_FIN) !== 0);
  await frame(peer, ({ flags }) => (flags & FLAG_RST) !== 0);
});

test("a keepalive that is not answered ends the session", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  const [near, far] = duplexPair();
  far.resume();
  const options = { side: "client", onStream: () => undefined, acceptedStreamsMax: 1 } as const;
  const session = new YamuxSession(near, { ...options, keepaliveMs: 30_000 });
  t.mock.timers.tick(30_000);
  assert.ok(session.isOpen);
  t.mock.timers.tick(10_000);
  await session.closed;
});
