import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { CleanupService, type RewriteHistoryRequestSchema } from "../../proto/cleanup_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { eventually } from "../../testing/processes.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";
import { beginTransaction } from "../../testing/transaction-client.ts";

type Request = MessageInitShape<typeof RewriteHistoryRequestSchema>;

const MAIN = "refs/heads/main";

/** Stands in for git-filter-repo: replaces `secret` by `public` wherever it is, and notes its use. */
const FILTER = `
for argument; do
  case $argument in
    --source=*) source=\${argument#*=} ;;
    --target=*) target=\${argument#*=} ;;
    --strip-blobs-with-ids=*) cp "\${argument#*=}" "$LOG/blobs" ;;
    --replace-text=*) cp "\${argument#*=}" "$LOG/texts" ;;
    *) echo "$argument" ;;
  esac
done >"$LOG/flags"
git -C "$source" fast-export --all --signed-tags=strip | sed s/secret/public/ |
  git -C "$target" fast-import --quiet --force
git -C "$target" update-ref -d refs/heads/gone
`;

interface Fixture {
  readonly log: string;
  readonly server: Awaited<ReturnType<typeof startTestServer>>;
  leftovers(): string[];
}

/** @param script what `git filter-repo` does; it finds the folder for notes in `$LOG` */
async function setUp(t: TestContext, script: string): Promise<Fixture> {
  const folder = temporaryDirectory(t);
  const program = join(folder, "git-filter-repo");
  writeFileSync(program, `#!/bin/sh\nset -e\nLOG='${folder}'\n${script}`);
  chmodSync(program, 0o755);
  const path = process.env["PATH"];
  process.env["PATH"] = `${folder}:${path}`;
  t.after(() => {
    process.env["PATH"] = path;
  });
  const server = await startTestServer(t);
  const temporary = join(server.storagePath, "+gitaly", "tmp");
  return {
    log: folder,
    server,
    leftovers: () => (existsSync(temporary) ? readdirSync(temporary) : []),
  };
}

test("rewriteHistory takes over what git-filter-repo makes of a repository", async (t) => {
  const { server, log, leftovers } = await setUp(t, FILTER);
  const repository = server.repository();
  const first = commitFiles(repository, { file: "a secret\n" });
  const second = commitFiles(repository, { file: "a secret\n", other: "x" }, [first]);
  for (const ref of [MAIN, "refs/heads/gone", "refs/keep-around/x"]) {
    repository.git(["update-ref", ref, second]);
  }
  repository.git(["tag", "-a", "-m", "text", "v1", first]);
  const blob = repository.gitLine(["rev-parse", "main:other"]);
  await server.client(CleanupService).rewriteHistory([
    { repository: repository.address, redactions: [Buffer.from("secret==>public")] },
    { blobs: [blob, "0".repeat(40)], redactions: [Buffer.from([0xff])] },
  ]);
  assert.equal(repository.gitLine(["show", "main:file"]), "a public");
  assert.equal(repository.gitLine(["show", "v1^{commit}:file"]), "a public");
  assert.deepEqual(repository.gitLines(["for-each-ref", "--format=%(refname)"]), [
    MAIN,
    "refs/keep-around/x",
    "refs/tags/v1",
  ]);
  repository.git(["fsck"]);
  assert.equal(readFileSync(join(log, "blobs"), "utf8"), `${blob}\n${"0".repeat(40)}`);
  assert.equal(readFileSync(join(log, "texts"), "latin1"), "secret==>public\n\xff");
  const flags = "--partial\n--force\n--replace-refs=update-no-add\n--quiet\n";
  assert.equal(readFileSync(join(log, "flags"), "utf8"), flags);
  assert.deepEqual(leftovers(), []);
});

test("rewriteHistory changes nothing when git-filter-repo fails", async (t) => {
  const { server, leftovers } = await setUp(t, "exit 3");
  const repository = server.repository();
  const commit = commitFiles(repository, { file: "x" });
  repository.git(["update-ref", MAIN, commit]);
  const request = { repository: repository.address, blobs: ["0".repeat(40)] };
  await assert.rejects(server.client(CleanupService).rewriteHistory([request]), {
    kind: "internal",
    message: "rewriting repository history: git-filter-repo failed with exit code 3",
  });
  assert.equal(repository.gitLine(["rev-parse", "main"]), commit);
  assert.deepEqual(leftovers(), []);
});

test("rewriteHistory gives way to whoever changes references meanwhile", async (t) => {
  const change = `for a; do case $a in --source=*) git -C "\${a#*=}" branch new main; esac; done`;
  const { server, leftovers } = await setUp(t, change);
  const repository = server.repository();
  const commit = commitFiles(repository, { file: "x" });
  repository.git(["update-ref", MAIN, commit]);
  const request = { repository: repository.address, blobs: ["0".repeat(40)] };
  await assert.rejects(server.client(CleanupService).rewriteHistory([request]), {
    kind: "aborted",
    message: "The operation could not be completed. Please try again.",
  });
  assert.equal(repository.gitLine(["rev-parse", "new"]), commit);
  assert.deepEqual(leftovers(), []);
});

test("rewriteHistory changes nothing when it is cancelled", async (t) => {
  const { server, log, leftovers } = await setUp(t, 'echo >"$LOG/began"; sleep 1000');
  const repository = server.repository();
  const commit = commitFiles(repository, { file: "x" });
  repository.git(["update-ref", MAIN, commit]);
  const request = { repository: repository.address, blobs: ["0".repeat(40)] };
  const controller = new AbortController();
  const { signal } = controller;
  const call = server.client(CleanupService).rewriteHistory([request], { signal });
  await eventually("the program runs", 60_000, () => existsSync(join(log, "began")));
  controller.abort();
  await assert.rejects(call);
  await eventually("nothing is left", 60_000, () => leftovers().length === 0);
  assert.equal(repository.gitLine(["rev-parse", "main"]), commit);
});

test("rewriteHistory has other servers agree on HEAD before anything else", async (t) => {
  const { server, log, leftovers } = await setUp(t, 'echo >"$LOG/began"; exit 3');
  const repository = server.repository();
  const commit = commitFiles(repository, { file: "x" });
  repository.git(["update-ref", MAIN, commit]);
  const request = { repository: repository.address, blobs: ["0".repeat(40)] };
  const agreed = beginTransaction(t, server);
  const { metadata } = agreed;
  const call = createClient(CleanupService, agreed.channel).rewriteHistory([request], { metadata });
  await assert.rejects(call, { message: /git-filter-repo failed/ });
  const vote = createHash("sha1")
    .update(`${"0".repeat(40)} ref:${MAIN} HEAD\n`)
    .digest("hex");
  assert.deepEqual(agreed.votes.slice(-2), [`prepared ${vote}`, `committed ${vote}`]);
  assert.deepEqual(leftovers(), []);

  rmSync(join(log, "began"));
  const refused = beginTransaction(t, server, "prepared");
  const client = createClient(CleanupService, refused.channel);
  await assert.rejects(client.rewriteHistory([request], { metadata: refused.metadata }), {
    kind: "internal",
    message: "setting up staging repo: setting default branch: commit: exit status 128",
  });
  assert.equal(existsSync(join(log, "began")), false);
  assert.deepEqual(leftovers(), []);
});

test("rewriteHistory says what is wrong with a request", async (t) => {
  const { server, leftovers } = await setUp(t, "exit 1");
  const { address: repository } = server.repository();
  const { address: sha256 } = server.repository({ format: "sha256" });
  const client = server.client(CleanupService);
  const invalid = 'invalid object ID: "invalid oid", expected length 40, got 11';
  const blobs = ["0".repeat(40)];
  const cases: readonly [Request[], message: string][] = [
    [[{ repository }, { repository, blobs }], "subsequent requests must not contain repository"],
    [[{ repository }, {}], "no object IDs or text replacements specified"],
    [[{ repository, blobs: ["invalid oid"] }], `validating object ID: ${invalid}`],
    [[{ repository, redactions: [Buffer.from("one\ntwo")] }], "redaction pattern contains newline"],
    [
      [{ repository: sha256, blobs }],
      "git-filter-repo does not support repositories using the SHA256 object format",
    ],
  ];
  for (const [requests, message] of cases) {
    await assert.rejects(client.rewriteHistory(requests), { kind: "invalid-argument", message });
  }
  await assert.rejects(client.rewriteHistory([]), {
    kind: "internal",
    message: "receiving initial request: EOF",
  });
  await assert.rejects(client.rewriteHistory([{ repository, blobs }]), {
    kind: "internal",
    message: "calculate initial checksum: git-show-ref failed with exit code 1",
  });
  await assertRepositoryErrors((address) =>
    client.rewriteHistory([{ ...(address && { repository: address }) }]),
  );
  assert.deepEqual(leftovers(), []);
});
