import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestRepository } from "../../testing/git-repository.ts";
import { parseOid } from "../oid/oid.ts";
import { encodeCommit, encodeTag, encodeTree } from "./object-encoding.ts";
import { hashObject } from "./object-hash.ts";

const PERSON = {
  name: Buffer.from("Ada Lovelace"),
  email: Buffer.from("ada@example.com"),
  date: { seconds: 1_700_000_000n, timezone: "+0130" },
};

for (const format of ["sha1", "sha256"] as const) {
  test(`${format}: trees, commits and tags are those that git makes`, (t) => {
    const repository = createTestRepository(t, { format });
    const blob = known(repository.gitLine(["hash-object", "-w", "--stdin"], { input: "text" }));
    const lines = [
      `100644 blob ${blob}\ta.c`,
      `100755 blob ${blob}\ta-c`,
      `120000 blob ${blob}\tsrc.link`,
    ];
    const inner = known(repository.gitLine(["mktree"], { input: `${lines.join("\n")}\n` }));
    const outer = [...lines, `040000 tree ${inner}\ta`, `040000 tree ${inner}\tsrc`];
    const tree = known(repository.gitLine(["mktree"], { input: `${outer.join("\n")}\n` }));
    const entries = outer.map((line) => {
      const [mode = "", , oid = "", name = ""] = line.split(/[ \t]/);
      return { mode: Number.parseInt(mode, 8), name: Buffer.from(name), oid: known(oid) };
    });
    assert.equal(hashObject("tree", encodeTree(entries), format), tree);

    const env = {
      GIT_AUTHOR_NAME: "Ada Lovelace",
      GIT_AUTHOR_EMAIL: "ada@example.com",
      GIT_AUTHOR_DATE: "1700000000 +0130",
      GIT_COMMITTER_NAME: "Ada Lovelace",
      GIT_COMMITTER_EMAIL: "ada@example.com",
      GIT_COMMITTER_DATE: "1700000000 +0130",
    };
    const first = known(repository.gitLine(["commit-tree", tree, "-m", "first"], { env }));
    const flags = ["-p", first, "-m", "second"];
    const second = known(repository.gitLine(["commit-tree", tree, ...flags], { env }));
    const commit = encodeCommit({
      tree,
      parents: [first],
      author: PERSON,
      committer: PERSON,
      message: Buffer.from("second\n"),
    });
    assert.equal(hashObject("commit", commit, format), second);

    repository.git(["tag", "-a", "-m", "release", "v1", second], { env });
    const tag = encodeTag({
      object: second,
      objectType: "commit",
      name: Buffer.from("v1"),
      tagger: PERSON,
      message: Buffer.from("release\n"),
    });
    assert.equal(hashObject("tag", tag, format), repository.gitLine(["rev-parse", "v1"]));
  });
}

test("further headers of a commit are folded", () => {
  const tree = known("0".repeat(40));
  const content = encodeCommit({
    tree,
    parents: [],
    author: PERSON,
    committer: PERSON,
    encoding: "latin1",
    headers: [{ key: "gpgsig", value: Buffer.from("one\ntwo\n") }],
    message: Buffer.from("message"),
  });
  assert.match(content.toString(), /\nencoding latin1\ngpgsig one\n two\n\nmessage$/);
});

function known(text: string) {
  const oid = parseOid(text);
  assert(oid !== undefined);
  return oid;
}
