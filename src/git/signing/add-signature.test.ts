import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createTestRepository, temporaryDirectory } from "../../testing/git-repository.ts";
import { addSignature } from "./add-signature.ts";

for (const format of ["sha1", "sha256"] as const) {
  test(`addSignature makes what git makes (${format})`, (t) => {
    const repository = createTestRepository(t, { format });
    const folder = temporaryDirectory(t);
    const tree = repository.gitLine(["mktree"], { input: "" });
    const program = join(folder, "gpg");
    const file = join(folder, "signature");
    writeFileSync(
      program,
      `#!/bin/sh\ncat >/dev/null\necho "[GNUPG:] SIG_CREATED " >&2\ncat ${file}\n`,
      {
        mode: 0o755,
      },
    );
    const env = {
      GIT_AUTHOR_NAME: "Author",
      GIT_AUTHOR_EMAIL: "author@example.com",
      GIT_AUTHOR_DATE: "1700000000 +0100",
      GIT_COMMITTER_NAME: "Committer",
      GIT_COMMITTER_EMAIL: "committer@example.com",
      GIT_COMMITTER_DATE: "1700000000 +0100",
    };
    const commit = (args: readonly string[], message: string): Buffer => {
      const config = ["-c", `gpg.program=${program}`, "commit-tree", tree, ...args];
      const oid = repository.gitLine(config, { input: message, env });
      return repository.git(["cat-file", "commit", oid]);
    };
    for (const signature of ["BEGIN\n\nabc\nEND\n", "BEGIN\nEND\n\n", "cut"]) {
      writeFileSync(file, signature);
      for (const message of ["subject\n\nbody\n", "\n\nodd", ""]) {
        const expected = commit(["-Skey"], message);
        const unsigned = commit([], message);
        const added = addSignature(unsigned, Buffer.from(signature), format);
        assert.equal(added.toString(), expected.toString());
      }
    }
  });
}

test("addSignature ends headers that have no message behind them", () => {
  const added = addSignature(Buffer.from("tree 1\n"), Buffer.from("a\nb\n"), "sha1");
  assert.equal(added.toString(), "tree 1\ngpgsig a\n b\n");
});
