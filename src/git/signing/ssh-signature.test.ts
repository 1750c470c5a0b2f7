import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { isSshSignature } from "./ssh-signature.ts";

const CONTENT = Buffer.from("tree\n\nmessage");

for (const [type, bits] of [
  ["ed25519", "256"],
  ["rsa", "2048"],
  ["ecdsa", "256"],
  ["ecdsa", "384"],
  ["ecdsa", "521"],
] as const) {
  test(`isSshSignature knows signatures of ssh-keygen (${type}, ${bits})`, (t) => {
    const folder = temporaryDirectory(t);
    const key = join(folder, "key");
    const file = join(folder, "content");
    run(["-q", "-t", type, "-b", bits, "-N", "", "-C", "", "-f", key]);
    writeFileSync(file, CONTENT);
    run(["-Y", "sign", "-n", "git", "-f", key, file]);
    const signature = readFileSync(`${file}.sig`);
    const publicKey = readFileSync(`${key}.pub`, "latin1");
    assert.ok(isSshSignature(publicKey, signature, CONTENT));
    assert.ok(isSshSignature(publicKey, signature.subarray(0, -1), CONTENT));
    assert.ok(!isSshSignature(publicKey, signature, Buffer.from("other")));
    run(["-q", "-t", type, "-b", bits, "-N", "", "-C", "", "-f", `${key}2`]);
    const other = readFileSync(`${key}2.pub`, "latin1");
    assert.ok(!isSshSignature(other, signature, CONTENT));
    for (let line = 0; line < 3; line++) {
      const lines = signature.toString().split("\n");
      lines.splice(line, 1);
      assert.ok(!isSshSignature(publicKey, Buffer.from(lines.join("\n")), CONTENT));
    }
  });
}

test("isSshSignature takes nothing else for a signature", (t) => {
  const key = join(temporaryDirectory(t), "key");
  run(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key]);
  const publicKey = readFileSync(`${key}.pub`, "latin1");
  const armour = (body: string): Buffer =>
    Buffer.from(`-----BEGIN SSH SIGNATURE-----\n${body}\n-----END SSH SIGNATURE-----\n`);
  const cases = [
    Buffer.alloc(0),
    Buffer.from("-----BEGIN PGP SIGNATURE-----\n-----END PGP SIGNATURE-----\n"),
    armour(""),
    armour(Buffer.from("SSHSIG").toString("base64")),
    armour(Buffer.alloc(200, 0xff).toString("base64")),
    armour(Buffer.alloc(200).toString("base64")),
  ];
  for (const signature of cases) assert.ok(!isSshSignature(publicKey, signature, CONTENT));
});

function run(args: readonly string[]): void {
  const { status, stderr } = spawnSync("ssh-keygen", args, { input: "" });
  assert.equal(status, 0, stderr.toString());
}
