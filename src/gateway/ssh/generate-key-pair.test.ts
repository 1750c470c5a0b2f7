import assert from "node:assert/strict";
import { test } from "node:test";
import ssh2 from "ssh2";
import { generateKeyPair } from "./generate-key-pair.ts";

test("every pair can be read, however its bytes fall", () => {
  // Enough that a generator which drops leading zeros fails nearly always.
  for (let pair = 0; pair < 1000; pair += 1) {
    const { private: key, public: line } = generateKeyPair("ed25519", "ada");
    assert.ok(!(ssh2.utils.parseKey(key) instanceof Error));
    assert.ok(!(ssh2.utils.parseKey(line) instanceof Error));
    assert.match(line, /^ssh-ed25519 \S+ ada$/);
  }
});
