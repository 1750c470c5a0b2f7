import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import ssh2 from "ssh2";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { openHostKeys } from "./host-keys.ts";

test("openHostKeys makes keys once and finds them again", async (t) => {
  const folder = join(temporaryDirectory(t), "ssh");
  const first = await openHostKeys(folder);
  const again = await openHostKeys(folder);
  assert.deepEqual(again, first);
  const types = first.map((text) => {
    const parsed = ssh2.utils.parseKey(text);
    assert.ok(!(parsed instanceof Error));
    return (Array.isArray(parsed) ? parsed[0] : parsed)?.type;
  });
  assert.deepEqual(types, ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"]);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  for (const name of readdirSync(folder)) {
    assert.match(name, /^ssh_host_(ed25519|ecdsa|rsa)_key(\.pub)?$/);
    if (!name.endsWith(".pub")) assert.equal(statSync(join(folder, name)).mode & 0o077, 0);
  }
});
