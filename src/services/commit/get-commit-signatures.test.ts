import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { loadSigner } from "../../git/signing/commit-signer.ts";
import {
  CommitService,
  GetCommitSignaturesResponse_Signer as Signer,
} from "../../proto/commit_pb.ts";
import { changeFiles } from "../../testing/change-files.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { openpgpKey } from "../../testing/openpgp-key.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";
import { gitSettings } from "../../testing/test-settings.ts";
import { writeRawCommit } from "../../testing/write-raw-commit.ts";

interface Received {
  readonly commitId: string;
  readonly signature: string;
  readonly signer: Signer;
  readonly email: string;
  signedText: string;
}

async function fixture(t: TestContext, format: "sha1" | "sha256" = "sha1", keys: string[] = []) {
  const [signingKey = "", ...rotatedSigningKeys] = keys;
  const git = gitSettings({ signingKey, rotatedSigningKeys });
  const server = await startTestServer(t, { git });
  const client = server.client(CommitService);
  const repository = server.repository({ format });
  const ask = async (commitIds: readonly string[]): Promise<Received[]> => {
    const request = { repository: repository.address, commitIds: [...commitIds] };
    const received: Received[] = [];
    for (const reply of await collect(client.getCommitSignatures(request))) {
      const { commitId, signature, signer, author } = reply;
      const email = text(author?.email);
      if (commitId !== "") {
        received.push({ commitId, signature: text(signature), signer, email, signedText: "" });
      }
      assert.equal(commitId === "", reply.signedText.length > 0);
      assert.ok(reply.signedText.length <= 128 * 1024);
      const last = received.at(-1);
      if (last !== undefined) last.signedText += text(reply.signedText);
    }
    return received;
  };
  return { client, repository, ask };
}

function text(bytes: Uint8Array = Buffer.alloc(0)): string {
  return Buffer.from(bytes).toString("latin1");
}

function contentOf({ git }: ServedRepository, commit: string): string {
  return git(["cat-file", "commit", commit]).toString("latin1");
}

const SIGNATURE = "-----BEGIN PGP SIGNATURE-----\n\nabc\n=def\n-----END PGP SIGNATURE-----";

function header(name: string, signature: string): string {
  return `${name} ${signature.replaceAll("\n", "\n ")}\n`;
}

for (const format of ["sha1", "sha256"] as const) {
  test(`getCommitSignatures takes signatures out of commits (${format})`, async (t) => {
    const { repository, ask } = await fixture(t, format);
    const messages = ["message\n", "message", "", "a".repeat(500_000)];
    for (const name of ["gpgsig", "gpgsig-sha256"]) {
      for (const message of messages) {
        const plain = writeRawCommit(repository, { message });
        const headers = header(name, SIGNATURE);
        const commit = writeRawCommit(repository, { headers, message });
        assert.deepEqual(await ask([plain, commit]), [
          {
            commitId: commit,
            signature: SIGNATURE,
            signer: Signer.USER,
            email: "author@example.com",
            signedText: contentOf(repository, plain),
          },
        ]);
      }
    }
    const both = header("gpgsig", SIGNATURE) + header("gpgsig-sha256", "other\nlines");
    const odd = writeRawCommit(repository, { headers: `${both}behind it\n` });
    const [found] = await ask([odd]);
    assert.equal(found?.signature, SIGNATURE);
    assert.equal(found.signedText, contentOf(repository, odd).replace(both, ""));
    const garbage = writeRawCommit(repository, { headers: header("gpgsig-garbage", SIGNATURE) });
    const missing = "1".repeat(odd.length);
    assert.deepEqual(await ask([garbage, missing, repository.gitLine(["mktree"])]), []);
  });
}

test("getCommitSignatures shows people as they are in the commit", async (t) => {
  const { repository, ask } = await fixture(t);
  const commit = writeRawCommit(repository, { headers: header("gpgsig", SIGNATURE) });
  changeFiles(repository, { ".mailmap": "Other <other@example.com> <author@example.com>\n" });
  assert.deepEqual(
    (await ask([commit])).map(({ email }) => email),
    ["author@example.com"],
  );
});

test("getCommitSignatures knows the server's own signatures", async (t) => {
  const folder = temporaryDirectory(t);
  const keys = ["current", "rotated", "foreign"].map((name) => join(folder, name));
  for (const key of keys) sshKeygen(["-q", "-t", "ed25519", "-N", "", "-f", key]);
  const openpgp = join(folder, "openpgp");
  writeFileSync(openpgp, openpgpKey());
  const { repository, ask } = await fixture(t, "sha1", [...keys.slice(0, 2), openpgp]);
  const plain = writeRawCommit(repository, {});
  const commits = keys.map((key) => {
    const file = `${key}.content`;
    writeFileSync(file, contentOf(repository, plain));
    sshKeygen(["-Y", "sign", "-n", "git", "-f", key, file]);
    const signature = readFileSync(`${file}.sig`, "latin1").trim();
    return writeRawCommit(repository, { headers: header("gpgsig", signature) });
  });
  const signer = loadSigner({ signingKeyPath: openpgp, rotatedSigningKeyPaths: [] });
  const content = Buffer.from(contentOf(repository, plain), "latin1");
  const own = await signer?.sign(content, new Date());
  const headers = header("gpgsig", own?.toString("latin1").trim() ?? "");
  commits.push(writeRawCommit(repository, { headers }));
  assert.deepEqual(
    (await ask(commits)).map(({ signer: by }) => by),
    [Signer.SYSTEM, Signer.SYSTEM, Signer.USER, Signer.SYSTEM],
  );
});

function sshKeygen(args: readonly string[]): void {
  const { status, stderr } = spawnSync("ssh-keygen", args, { input: "" });
  assert.equal(status, 0, stderr.toString());
}

test("getCommitSignatures refuses invalid requests", async (t) => {
  const { client, ask } = await fixture(t);
  const good = "1".repeat(40);
  const cases: [string[], message: string][] = [
    [[], "empty CommitIds"],
    [[good, "a17a9f6"], 'invalid object ID: "a17a9f6", expected length 40, got 7'],
    [[`${good.slice(1)}X`], `invalid object ID: "${good.slice(1)}X", invalid character 'X'`],
  ];
  for (const [commitIds, message] of cases) {
    await assert.rejects(ask(commitIds), { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((address) =>
    client.getCommitSignatures({ ...(address && { repository: address }) }),
  );
  const broken = await fixture(t, "sha1", ["/nonexistent"]);
  await assert.rejects(broken.ask([good]), {
    kind: "internal",
    message: "failed to parse signing key: open file: open /nonexistent: no such file or directory",
  });
});

test("getCommitSignatures stops when the client goes away", async (t) => {
  const { client, repository } = await fixture(t);
  const message = "x".repeat(1_000_000);
  const commit = writeRawCommit(repository, { headers: header("gpgsig", SIGNATURE), message });
  const gone = new AbortController();
  const commitIds = Array.from({ length: 200 }, () => commit);
  const request = { repository: repository.address, commitIds };
  const replies = client.getCommitSignatures(request, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
