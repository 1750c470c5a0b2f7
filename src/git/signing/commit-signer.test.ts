import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import {
  OPENPGP_KEY_CREATED,
  type OpenpgpKeyOptions,
  openpgpKey,
} from "../../testing/openpgp-key.ts";
import { type CommitSigner, loadSigner } from "./commit-signer.ts";

const COMMIT = Buffer.from(
  "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a> 1 +0000\n\nmessage\r\nmore\n\xe4",
  "latin1",
);
const DATE = new Date(1_700_000_000_000);

function signerOf(signingKeyPath: string, ...rotatedSigningKeyPaths: string[]): CommitSigner {
  const signer = loadSigner({ signingKeyPath, rotatedSigningKeyPaths });
  assert.ok(signer !== undefined);
  return signer;
}

function sshKey(t: TestContext, type: string, bits: string): string {
  const path = join(temporaryDirectory(t), "key");
  execFileSync("ssh-keygen", ["-q", "-t", type, "-b", bits, "-N", "", "-C", "x", "-f", path]);
  return path;
}

function pgpKey(t: TestContext, options: OpenpgpKeyOptions = {}): string {
  const path = join(temporaryDirectory(t), "key");
  writeFileSync(path, openpgpKey(options));
  return path;
}

for (const [type, bits] of [
  ["ed25519", "256"],
  ["rsa", "2048"],
  ["ecdsa", "256"],
  ["ecdsa", "384"],
  ["ecdsa", "521"],
] as const) {
  test(`ssh-keygen knows signatures made with its keys (${type}, ${bits})`, async (t) => {
    const path = sshKey(t, type, bits);
    const signature = await signerOf(path).sign(COMMIT, DATE);
    assert.match(signature.toString(), /^-----BEGIN SSH SIGNATURE-----\n[\s\S]*-----\n\n$/);
    const allowed = join(temporaryDirectory(t), "allowed");
    writeFileSync(allowed, `me ${readFileSync(`${path}.pub`, "latin1")}`);
    const file = `${allowed}.sig`;
    writeFileSync(file, signature.subarray(0, -1));
    const args = ["-Y", "verify", "-f", allowed, "-I", "me", "-n", "git", "-s", file];
    assert.equal(spawnSync("ssh-keygen", args, { input: COMMIT }).status, 0);
    assert.notEqual(spawnSync("ssh-keygen", args, { input: "other" }).status, 0);
    const verifies = signerOf(path).readVerifier();
    assert.ok(verifies(COMMIT, signature.subarray(0, -1)));
    assert.ok(!verifies(Buffer.from("other"), signature.subarray(0, -1)));
  });
}

const hasGpg = spawnSync("gpg", ["--version"]).status === 0;

function gpgSkipReason(type: string): string | false {
  if (type === "p384") return "gpg wants a longer hash than SHA-256 with such keys";
  return hasGpg ? false : "no gpg here";
}

for (const type of ["ed25519", "rsa", "dsa", "p256", "p384"] as const) {
  test(`signatures of OpenPGP keys are known again (${type})`, async (t) => {
    const [path, other] = [pgpKey(t, { type }), pgpKey(t, { type })];
    const signature = await signerOf(path).sign(COMMIT, DATE);
    assert.match(signature.toString(), /^-----BEGIN PGP SIGNATURE-----\n\n[\s\S]*-----\n$/);
    for (const signer of [signerOf(path), signerOf(other, path)]) {
      const verifies = signer.readVerifier();
      assert.ok(verifies(COMMIT, signature));
      assert.ok(verifies(COMMIT, signature.subarray(0, -1)));
      assert.ok(!verifies(Buffer.from("other"), signature));
      for (let line = 0; line < 4; line++) {
        const lines = signature.toString().split("\n");
        lines.splice(line, 1);
        assert.ok(!verifies(COMMIT, Buffer.from(lines.join("\n"))), `without line ${line}`);
      }
    }
    assert.ok(!signerOf(other).readVerifier()(COMMIT, signature));
  });

  test(`gpg knows signatures of OpenPGP keys (${type})`, {
    skip: gpgSkipReason(type),
  }, async (t) => {
    const path = pgpKey(t, { type });
    const home = temporaryDirectory(t);
    const gpg = (...args: string[]) =>
      spawnSync("gpg", ["--homedir", home, "--batch", "--no-autostart", ...args], {
        encoding: "utf8",
      });
    const imported = gpg("--import", path);
    assert.match(imported.stderr, /public key .* imported/);
    const [file, content] = [join(home, "signature"), join(home, "content")];
    writeFileSync(file, await signerOf(path).sign(COMMIT, DATE));
    writeFileSync(content, COMMIT);
    const { status, stderr } = gpg("--verify", file, content);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /Good signature/);
    writeFileSync(content, "other");
    assert.notEqual(gpg("--verify", file, content).status, 0);
  });
}

test("signatures of Ed25519 and RSA keys are the same each time", async (t) => {
  for (const path of [sshKey(t, "ed25519", "256"), pgpKey(t), pgpKey(t, { type: "rsa" })]) {
    const signer = signerOf(path);
    const signature = await signer.sign(COMMIT, DATE);
    assert.deepEqual(await signerOf(path).sign(COMMIT, new Date(DATE.getTime() + 999)), signature);
  }
});

test("loadSigner has none without a key", () => {
  assert.equal(loadSigner({ signingKeyPath: "", rotatedSigningKeyPaths: ["x"] }), undefined);
});

test("a key counts as of the moment when its file changes", async (t) => {
  const path = pgpKey(t);
  const signer = signerOf(path);
  const before = await signer.sign(COMMIT, DATE);
  writeFileSync(path, openpgpKey());
  utimesSync(path, 1, 1);
  assert.notDeepEqual(await signer.sign(COMMIT, DATE), before);
  assert.ok(!signer.readVerifier()(COMMIT, before));
});

test("sign refuses with keys that can't", async (t) => {
  const created = OPENPGP_KEY_CREATED;
  const none = "sign commit: openpgp: invalid argument: no valid signing keys";
  const cases: [OpenpgpKeyOptions, string][] = [
    [{ isLocked: true }, "sign commit: openpgp: invalid argument: signing key is encrypted"],
    [{ flags: 1 }, none],
    [{ lifetime: 10 }, none],
    [{ created: DATE.getTime() / 1000 + 1 }, none],
  ];
  for (const [options, message] of cases) {
    await assert.rejects(signerOf(pgpKey(t, options)).sign(COMMIT, DATE), { message });
  }
  const lifetime = DATE.getTime() / 1000 - created;
  const short = signerOf(pgpKey(t, { lifetime }));
  const signature = await short.sign(COMMIT, DATE);
  assert.ok(!short.readVerifier()(COMMIT, signature), "the key has expired by now");
});

test("keys that can't be read are told apart", async (t) => {
  const path = join(temporaryDirectory(t), "key");
  const missing = `open file: open ${path}: no such file or directory`;
  await assert.rejects(signerOf(path).sign(COMMIT, DATE), { message: missing });
  const good = pgpKey(t);
  assert.throws(() => signerOf(good, path).readVerifier(), { message: missing });
  const key = openpgpKey();
  const invalid = "read entity: openpgp: invalid data:";
  const cases: [Uint8Array | string, string][] = [
    ["", "read entity: EOF"],
    [key.subarray(0, 20), "read entity: unexpected EOF"],
    ["-----BEGIN PGP PRIVATE KEY BLOCK-----", `${invalid} tag byte does not have MSB set`],
    [key.subarray(0, 3 + key.readUInt16BE(1)), `${invalid} entity without any identities`],
    [Buffer.from([0xb4, 1, 0x41]), `${invalid} first packet was not a public/private key`],
  ];
  for (const [content, message] of cases) {
    writeFileSync(path, content);
    await assert.rejects(signerOf(path).sign(COMMIT, DATE), { message });
  }
});

test("publicKey is a line for OpenSSH keys only", (t) => {
  const path = sshKey(t, "ed25519", "256");
  const [type, key] = readFileSync(`${path}.pub`, "latin1").split(" ");
  assert.equal(signerOf(path).publicKey(), `${type} ${key}\n`);
  assert.equal(signerOf(pgpKey(t)).publicKey(), undefined);
});

test("readVerifier takes garbage for no signature", (t) => {
  const signer = signerOf(pgpKey(t));
  const armour = (body: Uint8Array): Buffer =>
    Buffer.from(
      `-----BEGIN PGP SIGNATURE-----\n\n${Buffer.from(body).toString("base64")}\n-----END PGP SIGNATURE-----`,
    );
  const cases = [
    Buffer.alloc(0),
    armour(Buffer.alloc(0)),
    armour(Buffer.alloc(50, 0xff)),
    armour(Buffer.of(0xc2, 5, 4, 0, 22, 8, 0)),
    armour(Buffer.of(0xc2, 12, 4, 0, 22, 8, 0, 1, 0, 0, 0, 0, 0, 0)),
  ];
  for (const signature of cases) assert.ok(!signer.readVerifier()(COMMIT, signature));
});
