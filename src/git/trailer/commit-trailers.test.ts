import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createTestRepository } from "../../testing/git-repository.ts";
import { commitTrailers } from "./commit-trailers.ts";

const LINES = [
  "subject",
  "",
  "",
  " ",
  "text with: a colon",
  "Signed-off-by: A <a@example.com>",
  "Signed-off-by:",
  "(cherry picked from commit 1234)",
  "Reviewed-by:  B  ",
  "Key : value",
  "Key\twith: more",
  "  continued",
  "\tpath",
  ": nothing",
  "# comment",
  "#",
  "---",
  "Conflicts:",
  "# ------------------------ >8 ------------------------",
  "Fixes: http://example.com/ä",
  "not a trailer",
  "x\r",
];

const MESSAGES = fc.array(
  fc.tuple(fc.constantFrom(...LINES), fc.constantFrom("\n", "\n", "\n", "\n\n")),
  { minLength: 1, maxLength: 12 },
);

test("commitTrailers finds what git shows", (t) => {
  const repository = createTestRepository(t);
  const messages = fc
    .sample(MESSAGES, { numRuns: 400, seed: 7 })
    .map((lines) => lines.flat().join(""));
  const ident = "A <a@example.com> 1700000000 +0000";
  const stream = messages.map((message, index) => {
    const bytes = Buffer.byteLength(message);
    return `commit refs/heads/c${index}\ncommitter ${ident}\ndata ${bytes}\n${message}\n`;
  });
  repository.git(["fast-import", "--quiet"], { input: stream.join("") });
  const format = "%(refname:lstrip=2)%00%(objectname)";
  const shown = new Map<string, string>();
  for (const line of repository.gitLines(["for-each-ref", `--format=${format}`])) {
    const [name = "", oid = ""] = line.split("\0");
    shown.set(oid, name);
  }
  const log = repository.gitLines([
    ...["log", "--no-walk", "--all", "--format=%H%x00%(trailers:unfold,separator=%x00)"],
  ]);
  assert.ok(log.length > 300);
  for (const line of log) {
    const [oid = "", ...expected] = line.split("\0");
    const message = messages[Number(shown.get(oid)?.slice(1))] ?? "";
    const texts = commitTrailers(Buffer.from(message));
    const actual = texts.map((text) => Buffer.from(text, "latin1").toString());
    assert.equal(actual.join("|"), expected.join("|"), JSON.stringify(message));
  }
});

test("commitTrailers reads a message up to a NUL", () => {
  assert.deepEqual(commitTrailers(Buffer.from("subject\n\nA: b\0\n\nC: d\n")), ["A: b"]);
});
