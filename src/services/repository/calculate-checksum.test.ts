import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import {
  type ServedRepository,
  startTestServer,
  type TestServer,
} from "../../testing/test-server.ts";

const ZERO = "0".repeat(40);

async function checksum(server: TestServer, { address }: ServedRepository): Promise<string> {
  const client = server.client(RepositoryService);
  return (await client.calculateChecksum({ repository: address })).checksum;
}

/** The exclusive or of the lines' hashes. */
function sumOf(lines: readonly string[]): string {
  const sum = lines.reduce(
    (before, line) => before ^ BigInt(`0x${createHash("sha1").update(line).digest("hex")}`),
    0n,
  );
  return sum.toString(16).padStart(40, "0");
}

function addCommit({ git, gitLine }: ServedRepository, ...refs: readonly string[]): string {
  const tree = gitLine(["hash-object", "-w", "-t", "tree", "--stdin"]);
  const commit = gitLine(["commit-tree", "-m", refs.join(" "), tree]);
  for (const ref of refs) git(["update-ref", ref, commit]);
  return commit;
}

test("calculateChecksum sums up the references that count", async (t) => {
  const server = await startTestServer(t);
  for (const format of ["sha1", "sha256"] as const) {
    for (const refFormat of ["files", "reftable"] as const) {
      const repository = server.repository({ format, refFormat });
      assert.equal(await checksum(server, repository), ZERO);
      addCommit(repository, "refs/unknown/a", "refs/heads/main");
      addCommit(repository, "refs/tags/v1", "refs/notes/commits", "refs/keep-around/1");
      const lines = repository.gitLines(["show-ref", "--head"]);
      assert.equal(lines.length, 6);
      const counted = lines.filter((line) => !line.includes("unknown"));
      assert.equal(await checksum(server, repository), sumOf(counted));
    }
  }
});

test("calculateChecksum takes damaged references and missing objects for nothing", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const commit = addCommit(repository, "refs/heads/main");
  const intact = await checksum(server, repository);
  assert.notEqual(intact, ZERO);
  const damages = [
    ["refs/heads/broken", "garbage"],
    ["refs/unknown", `${"1".repeat(40)}\n`],
    ["refs/heads/bad..name", `${commit}\n`],
    ["packed-refs", `# pack-refs with: peeled fully-peeled sorted\n${commit} refs/heads/a:b\n`],
    ["packed-refs", "# pack-refs with: peeled fully-peeled sorted\ngarbage\n"],
  ] as const;
  for (const [file, content] of damages) {
    const path = join(repository.path, file);
    writeFileSync(path, content);
    assert.throws(() => repository.git(["show-ref", "--head"]), file);
    assert.equal(await checksum(server, repository), ZERO, file);
    rmSync(path);
    assert.equal(await checksum(server, repository), intact);
  }
  repository.git(["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/missing"]);
  assert.equal(await checksum(server, repository), intact);
});

test("calculateChecksum says that a repository is broken", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  addCommit(repository, "refs/heads/main");
  writeFileSync(join(repository.path, "HEAD"), "");
  await assert.rejects(checksum(server, repository), {
    kind: "data-loss",
    message: `not a git repository '${repository.path}'`,
  });
});

test("calculateChecksum refuses requests that name no repository", async (t) => {
  const client = (await startTestServer(t)).client(RepositoryService);
  await assertRepositoryErrors((repository) =>
    client.calculateChecksum(repository === undefined ? {} : { repository }),
  );
});
