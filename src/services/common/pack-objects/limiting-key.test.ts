import assert from "node:assert/strict";
import { test } from "node:test";
import { limitingKey } from "./limiting-key.ts";

const KEYS: readonly [remoteIp: string, key: string | undefined][] = [
  ["1.2.3.4", "1.2.3.4"],
  ["1.2.3.4:47293", "1.2.3.4"],
  ["::ffff:1.2.3.4", "1.2.3.4"],
  ["2001:DB8:0:0::1", "2001:db8::1"],
  ["[2001:db8::1]:443", "2001:db8::1"],
  ["127.0.0.1", undefined],
  ["127.8.0.1:80", undefined],
  ["::1", undefined],
  ["[::1]:80", undefined],
  ["::ffff:127.0.0.1", undefined],
  ["fe80::1%eth0", undefined],
  ["hello-world", undefined],
  ["01.2.3.4", undefined],
  ["1.2.3.4:5:6", undefined],
  ["", undefined],
];

for (const [remoteIp, key] of KEYS) {
  test(`limitingKey of "${remoteIp}" is ${key ?? "none"}`, () => {
    assert.equal(limitingKey(remoteIp), key);
  });
}
