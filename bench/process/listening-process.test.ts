import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { findListeningProcess, parseTcpSockets } from "./listening-process.ts";

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0901 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1
   1: 0100007F:0901 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4712 1
   2: 0100007F:0902 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1
`;

test("parseTcpSockets finds the socket that listens, not its connections", () => {
  assert.deepEqual(parseTcpSockets(TABLE, 0x0901), ["4711"]);
  assert.deepEqual(parseTcpSockets(TABLE, 0x0999), []);
});

test("findListeningProcess finds the process that holds a port", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const wanted = { kind: "tcp", host: "127.0.0.1", port: address.port, secure: false } as const;
  assert.equal(findListeningProcess(wanted), process.pid);
});
