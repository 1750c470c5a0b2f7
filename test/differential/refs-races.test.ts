import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { FilesRefReader } from "../../src/git/ref/files-ref-reader.ts";
import { parseRefName } from "../../src/git/ref/ref-name.ts";
import type { RefReader } from "../../src/git/ref/ref-reader.ts";
import { ReftableRefReader } from "../../src/git/ref/reftable-ref-reader.ts";
import { createTestRepository, findTestGit } from "../../src/testing/git-repository.ts";

const ROUNDS = Number(process.env["GITALY_TEST_RACE_ROUNDS"] ?? 60);
const NAMES = Array.from({ length: 20 }, (_, index) => `refs/heads/dir-${index % 4}/${index}`);

/** Moves all references to and fro, packs them, and makes others come and go. */
const SCRIPT = `
for round in $(seq "$ROUNDS"); do
  sed "s/OID/$ONE/" <"$UPDATES" | "$GIT" update-ref --stdin || exit 1
  "$GIT" pack-refs --all --prune || exit 1
  "$GIT" update-ref refs/heads/guest "$ONE" || exit 1
  sed "s/OID/$OTHER/" <"$UPDATES" | "$GIT" update-ref --stdin || exit 1
  "$GIT" pack-refs --all --prune || exit 1
  "$GIT" update-ref -d refs/heads/guest || exit 1
done
`;

for (const refFormat of ["files", "reftable"] as const) {
  test(`${refFormat}: no reference is ever missing while others write and pack`, async (t) => {
    const repository = createTestRepository(t, { refFormat });
    const tree = repository.gitLine(["mktree"], { input: "" });
    const commit = (message: string): string =>
      repository.gitLine(["commit-tree", tree, "-m", message]);
    const [one, other] = [commit("one"), commit("other")];
    const updates = NAMES.map((name) => `update ${name} OID\n`).join("");
    repository.git(["update-ref", "--stdin"], { input: updates.replaceAll("OID", one) });
    const blob = repository.gitLine(["hash-object", "-w", "--stdin"], { input: updates });
    const script = `"$GIT" cat-file blob ${blob} >updates && UPDATES=updates\n${SCRIPT}`;
    const writer = spawn("sh", ["-c", script], {
      cwd: repository.path,
      env: { ...process.env, GIT: findTestGit(), ONE: one, OTHER: other, ROUNDS: `${ROUNDS}` },
      stdio: ["ignore", "ignore", "inherit"],
    });
    const exited = once(writer, "exit");
    const store = { directory: repository.path, objectFormat: "sha1" } as const;
    const refs = refFormat === "files" ? new FilesRefReader(store) : new ReftableRefReader(store);
    let reads = 0;
    while (writer.exitCode === null && writer.signalCode === null) {
      readAll(refs, [one, other]);
      reads++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(await exited, [0, null]);
    assert.ok(reads > ROUNDS);
    readAll(refs, [other]);
  });
}

function readAll(refs: RefReader, oids: readonly string[]): void {
  for (const text of NAMES) {
    const name = parseRefName(text);
    const oid = name && refs.findOid(name);
    assert.ok(oid !== undefined && oids.includes(oid), `${text} is ${oid}`);
  }
  const listed = [...refs.list({ prefixes: ["refs/heads/dir-"] })];
  assert.deepEqual(
    listed.map(({ name }) => name),
    NAMES.toSorted(),
  );
  for (const { oid } of listed) assert.ok(oids.includes(oid));
}
