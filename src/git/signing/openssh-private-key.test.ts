import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { isOpensshKey, opensshPublicLine, parseOpensshKey } from "./openssh-private-key.ts";

function opensshPublicKey(privateKey: string): string {
  return opensshPublicLine(parseOpensshKey(privateKey));
}

interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

function makeKey(t: TestContext, type: string, passphrase = ""): KeyPair {
  const path = join(temporaryDirectory(t), "key");
  execFileSync("ssh-keygen", ["-q", "-t", type, "-N", passphrase, "-C", "", "-f", path]);
  const [privateKey, publicKey] = [path, `${path}.pub`].map((file) => readFileSync(file, "latin1"));
  return { privateKey: privateKey ?? "", publicKey: publicKey?.trim() ?? "" };
}

test("parseOpensshKey finds the public key of each kind", (t) => {
  for (const type of ["ed25519", "ecdsa", "rsa"]) {
    const { privateKey, publicKey } = makeKey(t, type);
    assert.equal(isOpensshKey(privateKey), true);
    assert.equal(opensshPublicKey(privateKey), `${publicKey}\n`);
  }
});

test("parseOpensshKey refuses keys that it can't use", (t) => {
  const locked = makeKey(t, "ed25519", "secret").privateKey;
  const { privateKey } = makeKey(t, "ed25519");
  const content = Buffer.from(privateKey.split("\n").slice(1, -2).join(""), "base64");
  const armour = (bytes: Uint8Array): string =>
    privateKey.replace(/\n[\s\S]*\n(?=-----END)/, `\n${Buffer.from(bytes).toString("base64")}\n`);
  assert.equal(opensshPublicKey(armour(content)), opensshPublicKey(privateKey));
  const cases = [
    [locked, "this private key is passphrase protected"],
    ["-----BEGIN OPENSSH nonsense", "no key found"],
    [armour(content.subarray(1)), "invalid openssh private key format"],
    [armour(content.subarray(0, 20)), "invalid openssh private key format"],
    [armour(content.subarray(0, 60)), "invalid openssh private key format"],
  ] as const;
  for (const [key, problem] of cases) {
    assert.throws(() => opensshPublicKey(key), { message: `parse private key: ssh: ${problem}` });
  }
});
