import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ServerService } from "../../proto/server_pb.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { openpgpKey } from "../../testing/openpgp-key.ts";
import { startTestServer } from "../../testing/test-server.ts";
import { gitSettings } from "../../testing/test-settings.ts";

async function publicKeyOf(t: TestContext, signingKey: string): Promise<string> {
  const server = await startTestServer(t, { git: gitSettings({ signingKey }) });
  const client = server.client(ServerService);
  const { publicKey } = await client.serverSignature({});
  return Buffer.from(publicKey).toString();
}

test("serverSignature tells the public key", async (t) => {
  const path = join(temporaryDirectory(t), "key");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path]);
  const expected = readFileSync(`${path}.pub`, "utf8");
  assert.equal(await publicKeyOf(t, path), `${expected.trim()}\n`);
});

test("serverSignature tells nothing when there is no key", async (t) => {
  assert.equal(await publicKeyOf(t, ""), "");
});

test("serverSignature says what is wrong with the key", async (t) => {
  const path = join(temporaryDirectory(t), "key");
  await assert.rejects(publicKeyOf(t, path), {
    kind: "internal",
    message: `failed to parse signing key: open file: open ${path}: no such file or directory`,
  });
  writeFileSync(path, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
  await assert.rejects(publicKeyOf(t, path), {
    kind: "internal",
    message: "failed to parse signing key: parse private key: ssh: no key found",
  });
  writeFileSync(path, "-----BEGIN PGP PRIVATE KEY BLOCK-----\n");
  await assert.rejects(publicKeyOf(t, path), {
    kind: "internal",
    message:
      "failed to parse signing key: read entity: openpgp: invalid data: tag byte does not have MSB set",
  });
  writeFileSync(path, openpgpKey());
  await assert.rejects(publicKeyOf(t, path), {
    kind: "internal",
    message: "failed to fetch public key: gpg public key not implemented",
  });
});
