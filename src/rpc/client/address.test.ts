import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "./address.ts";

test("parseAddress takes the forms that Gitaly's clients take", () => {
  const tcp = { kind: "tcp", host: "gitaly.internal", port: 8075, secure: false };
  assert.deepEqual(parseAddress("tcp://gitaly.internal:8075"), tcp);
  assert.deepEqual(parseAddress("tls://gitaly.internal:8075"), { ...tcp, secure: true });
  assert.deepEqual(parseAddress("dns:///gitaly.internal:8075"), tcp);
  assert.deepEqual(parseAddress("dns://1.1.1.1:53/gitaly.internal:8075"), tcp);
  assert.deepEqual(parseAddress("dns:gitaly.internal:8075"), tcp);
  assert.deepEqual(parseAddress("dns+tls:///gitaly.internal"), { ...tcp, port: 443, secure: true });
  assert.deepEqual(parseAddress("tcp://[::1]:8075"), { ...tcp, host: "::1" });
  assert.deepEqual(parseAddress("unix:/run/gitaly.socket"), {
    kind: "unix",
    path: "/run/gitaly.socket",
  });
  assert.deepEqual(parseAddress("unix:///run/gitaly.socket"), {
    kind: "unix",
    path: "/run/gitaly.socket",
  });
  assert.deepEqual(parseAddress("unix:gitaly.socket"), { kind: "unix", path: "gitaly.socket" });
});

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ["", /^invalid connection string: ""$/],
  ["gitaly:8075", /^invalid connection string: "gitaly:8075"$/],
  ["http://gitaly:8075", /^invalid connection string/],
  ["tcp://", /should have a host$/],
  ["tcp://gitaly:8075/path", /should not have a path: "\/path"$/],
  ["tcp://gitaly", /host:port$/],
  ["tcp://gitaly:99999", /host:port$/],
  ["tcp://user@gitaly:1", /host:port$/],
  ["tls://:1", /host:port$/],
  ["unix:", /should have a path$/],
  ["dns://gitaly:8075", /^invalid connection string/],
];

for (const [text, message] of REFUSED) {
  test(`parseAddress refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseAddress(text), { kind: "invalid-argument", message });
  });
}
