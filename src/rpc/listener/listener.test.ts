import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { type TestContext, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { silentLogger } from "../../base/log/logger.ts";
import { RefService } from "../../proto/ref_pb.ts";
import { selfSignedCertificate } from "../../testing/self-signed-certificate.ts";
import type { Call } from "../call.ts";
import { type DialOptions, dial } from "../client/channel.ts";
import { createClient } from "../client/client.ts";
import { serve } from "../handler.ts";
import { GrpcServer } from "../server/grpc-server.ts";
import { encodeHeader, FLAG_SYN, TYPE_WINDOW_UPDATE } from "../yamux/frame.ts";
import { YamuxSession } from "../yamux/yamux-session.ts";
import type { Connection } from "./connection.ts";
import { type Endpoint, type Listener, type ListenOptions, listen } from "./listener.ts";
import { readTlsIdentity } from "./tls-settings.ts";

interface Started {
  readonly listener: Listener;
  readonly server: GrpcServer;
  /** The connections of the calls served so far. */
  readonly connections: Connection[];
}

/** A server with one RPC that says true. */
async function start(
  t: TestContext,
  endpoint: Endpoint,
  options: Partial<ListenOptions> = {},
  refExists?: (request: unknown, call: Call) => Promise<{ value: boolean }>,
): Promise<Started> {
  const connections: Connection[] = [];
  const sayTrue = async (_: unknown, call: Call): Promise<{ value: boolean }> => {
    connections.push(call.connection);
    return { value: true };
  };
  const handlers = { refExists: refExists ?? sayTrue };
  const server = new GrpcServer({ services: [serve(RefService, handlers)], interceptors: [] });
  const listener = await listen(endpoint, {
    onConnection: (stream, connection) => server.accept(stream, connection),
    log: silentLogger,
    ...options,
  });
  t.after(async () => {
    await server.close(0);
    await listener.close();
  });
  return { listener, server, connections };
}

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "listener-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

async function ask(t: TestContext, address: string, options: DialOptions = {}): Promise<boolean> {
  const channel = dial(address, options);
  t.after(() => channel.close());
  const { value } = await createClient(RefService, channel).refExists({});
  return value;
}

const LOOPBACK: Endpoint = { kind: "tcp", host: "127.0.0.1", port: 0 };

for (const sidechannel of [false, true]) {
  const how = sidechannel ? "multiplexed" : "plain";

  test(`${how} calls are served over TCP`, async (t) => {
    const { listener, connections } = await start(t, LOOPBACK);
    assert.ok(await ask(t, `tcp://127.0.0.1:${listener.port}`, { sidechannel }));
    const [connection] = connections;
    assert.equal(connection?.kind, "tcp");
    assert.match(connection?.peer ?? "", /^127\.0\.0\.1:\d+$/);
    assert.equal(connection?.mux !== undefined, sidechannel);
  });

  test(`${how} calls are served over a unix socket`, async (t) => {
    const path = join(await folder(t), "socket");
    const { connections } = await start(t, { kind: "unix", path });
    assert.ok(await ask(t, `unix:${path}`, { sidechannel }));
    assert.equal(connections[0]?.peer, "@");
    assert.equal(connections[0]?.mux !== undefined, sidechannel);
  });

  test(`${how} calls are served over TLS`, async (t) => {
    const { listener, connections, certificate } = await startTls(t);
    const tls = { certificateAuthorities: [certificate] };
    const address = `tls://localhost:${listener.port}`;
    assert.ok(await ask(t, address, { sidechannel, tls }));
    assert.equal(connections[0]?.kind, "tls");
    assert.equal(connections[0]?.mux !== undefined, sidechannel);
    await assert.rejects(ask(t, address, { sidechannel }), { kind: "unavailable" });
  });
}

async function startTls(
  t: TestContext,
  minVersion: "TLS 1.2" | "TLS 1.3" = "TLS 1.2",
): Promise<Started & { certificate: string }> {
  const path = await folder(t);
  const { certificate, key } = selfSignedCertificate();
  await writeFile(join(path, "certificate"), certificate);
  await writeFile(join(path, "key"), key);
  const certificatePath = join(path, "certificate");
  const settings = { certificatePath, key: { path: join(path, "key") }, minVersion };
  const identity = await readTlsIdentity(settings);
  const endpoint: Endpoint = { kind: "tls", host: "127.0.0.1", port: 0, identity };
  return { ...(await start(t, endpoint)), certificate };
}

test("a TLS client that is older than allowed is refused", async (t) => {
  const { listener, certificate } = await startTls(t, "TLS 1.3");
  const options = {
    port: listener.port,
    host: "127.0.0.1",
    ca: certificate,
    servername: "localhost",
  };
  const old = connectTls({ ...options, maxVersion: "TLSv1.2" });
  await assert.rejects(once(old, "secureConnect"), /protocol version|handshake failure/);
  const tls = { certificateAuthorities: [certificate] };
  assert.ok(await ask(t, `tls://localhost:${listener.port}`, { tls }));
});

test("a TLS client that negotiates no protocol is served", async (t) => {
  const { listener, certificate } = await startTls(t);
  const options = {
    port: listener.port,
    host: "127.0.0.1",
    ca: certificate,
    servername: "localhost",
  };
  const socket = connectTls(options);
  t.after(() => socket.destroy());
  await once(socket, "secureConnect");
  assert.equal(socket.alpnProtocol, false);
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
  const [settings] = await once(socket, "data");
  assert.equal(settings[3], 4, "answers with a SETTINGS frame");
});

test("each call finds the connection that it came over", async (t) => {
  const { listener, connections } = await start(t, LOOPBACK);
  const address = `tcp://127.0.0.1:${listener.port}`;
  const modes = [false, true, false, true, true];
  const channels = modes.map((sidechannel) => dial(address, { sidechannel }));
  t.after(async () => {
    for (const channel of channels) await channel.close();
  });
  for (const channel of [...channels, ...channels]) {
    await createClient(RefService, channel).refExists({});
  }
  assert.equal(new Set(connections.map(({ peer }) => peer)).size, 5);
  assert.deepEqual(
    connections.map(({ mux }) => mux !== undefined),
    [...modes, ...modes],
  );
  assert.equal(connections[0], connections[5]);
});

test("a socket left over is replaced, a file in its place is not", async (t) => {
  const path = await folder(t);
  // A server that is killed leaves its socket behind; one whose socket has another name does so too.
  const killed = createServer().listen(join(path, "old"));
  await once(killed, "listening");
  await rename(join(path, "old"), join(path, "socket"));
  killed.close();
  await start(t, { kind: "unix", path: join(path, "socket") });
  assert.ok(await ask(t, `unix:${join(path, "socket")}`));
  await writeFile(join(path, "file"), "precious");
  await assert.rejects(start(t, { kind: "unix", path: join(path, "file") }), {
    code: "EADDRINUSE",
  });
  assert.ok((await readdir(path)).includes("file"));
});

test("a connection that says nothing is dropped when its time is up", async (t) => {
  const { listener } = await start(t, LOOPBACK, { handshakeTimeoutMs: 20 });
  for (const opening of ["", "back", "backchannel"]) {
    const socket = await open(t, listener);
    socket.write(opening);
    await gone(socket);
  }
});

test("a connection that ends in the middle of the handshake is dropped", async (t) => {
  const { listener } = await start(t, LOOPBACK);
  const header = encodeHeader(TYPE_WINDOW_UPDATE, FLAG_SYN, 1, 0);
  for (const opening of ["", "b", "backchannel", "PRI * HTTP/2.0", header]) {
    const socket = await open(t, listener);
    socket.end(opening);
    await gone(socket);
  }
});

test("garbage ends its own connection only", async (t) => {
  const { listener } = await start(t, LOOPBACK);
  const garbage = [
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "backchannelgarbage garbage",
    "\0".repeat(100),
  ];
  for (const bytes of garbage) {
    const socket = await open(t, listener);
    socket.write(bytes);
    await gone(socket);
  }
  assert.ok(await ask(t, `tcp://127.0.0.1:${listener.port}`));
});

test("the first bytes may come one at a time", async (t) => {
  const { listener } = await start(t, LOOPBACK);
  for (const opening of ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "backchannel"]) {
    const socket = await open(t, listener);
    for (const byte of opening) {
      socket.write(byte);
      await new Promise(setImmediate);
    }
    if (opening === "backchannel") socket.write(encodeHeader(TYPE_WINDOW_UPDATE, FLAG_SYN, 1, 0));
    assert.ok((await once(socket, "data"))[0].length > 0);
  }
});

const PREFACE: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
const PING: Buffer = Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);

/** Sends a ping as often as something comes back; returns all that came until the end. */
async function pingToTheEnd(stream: Duplex): Promise<string> {
  let received = "";
  stream.on("error", () => undefined);
  stream.on("data", (chunk: Buffer) => {
    received += chunk.toString("latin1");
    if (stream.writable) stream.write(PING);
  });
  stream.write(PREFACE);
  await new Promise((resolve) => stream.once("close", resolve));
  return received;
}

test("a client that pings all the time is sent away", async (t) => {
  const { listener } = await start(t, LOOPBACK);
  assert.match(await pingToTheEnd(await open(t, listener)), /too_many_pings/);
});

test("a multiplexed client that pings all the time is sent away", async (t) => {
  const { listener } = await start(t, LOOPBACK);
  const socket = await open(t, listener);
  socket.write("backchannel");
  const onStream = (): void => undefined;
  const mux = new YamuxSession(socket, { side: "client", onStream, acceptedStreamsMax: 1 });
  assert.match(await pingToTheEnd(await mux.open()), /too_many_pings/);
  await mux.closed;
});

for (const sidechannel of [false, true]) {
  const how = sidechannel ? "multiplexed" : "plain";

  test(`a call is aborted when its ${how} connection is lost`, async (t) => {
    const aborted = Promise.withResolvers<void>();
    const refExists = async (_: unknown, call: Call): Promise<{ value: boolean }> => {
      call.signal.addEventListener("abort", () => aborted.resolve());
      void channel.close();
      await aborted.promise;
      return { value: true };
    };
    const { listener } = await start(t, LOOPBACK, {}, refExists);
    const channel = dial(`tcp://127.0.0.1:${listener.port}`, { sidechannel });
    await assert.rejects(createClient(RefService, channel).refExists({}), { kind: "unavailable" });
    await aborted.promise;
  });
}

test("closing the listener ends every connection and frees the address", async (t) => {
  const path = join(await folder(t), "socket");
  const { listener } = await start(t, { kind: "unix", path });
  const silent = connect(path).on("error", () => undefined);
  const busy = connect(path).on("error", () => undefined);
  await Promise.all([once(silent, "connect"), once(busy, "connect")]);
  busy.write("backchannel");
  const ended = Promise.all([silent, busy].map(gone));
  await listener.close();
  await ended;
  await assert.rejects(once(connect(path), "connect"), { code: "ENOENT" });
});

async function open(t: TestContext, listener: Listener): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port: listener.port ?? 0 });
  socket.on("error", () => undefined);
  t.after(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** Waits for the end of a connection, be it friendly or not. */
async function gone(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.resume().once("close", () => resolve());
  });
}
