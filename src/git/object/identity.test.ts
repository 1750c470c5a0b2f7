import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestRepository } from "../../testing/git-repository.ts";
import { parseIdentity } from "./identity.ts";

const LINES = [
  "A U Thor <author@example.com> 1700000000 +0100",
  "A <a@b> 1700000000 -1245",
  "<a@b> 1 +0000",
  "  spaced   out  <a@b> 1 +0000",
  "A <a <nested> b> 1 +0000",
  "A <a@b>> 1 +0000",
  "A <> 1 +0000",
  "A <a@b>",
  "A <a@b> 1",
  "A <a@b> 1 0100",
  "A <a@b> 1 +",
  "A <a@b> 12x +0100",
  "A <a@b> 5 +01000000 trailing",
  "A <a@b> 5   +0100",
  "A a@b 5 +0100",
  "A <a@b 5 +0100",
  "",
];

/** `%an|%ae` and the raw date, which git leaves empty when it can't read it. */
function ours(line: string): string {
  const identity = parseIdentity(Buffer.from(line));
  if (identity === undefined) return "||";
  const { date } = identity;
  const when = date === undefined ? "" : `${date.seconds}`;
  return [identity.name.toString(), identity.email.toString(), when].join("|");
}

test("identity lines are split as git splits them", (t) => {
  const repository = createTestRepository(t);
  const tree = repository.gitLine(["hash-object", "-t", "tree", "-w", "--stdin"]);
  for (const line of LINES) {
    const content = `tree ${tree}\nauthor ${line}\ncommitter C <c@d> 1 +0000\n\nmessage\n`;
    const write = ["hash-object", "-t", "commit", "-w", "--literally", "--stdin"];
    const oid = repository.gitLine(write, { input: content });
    const shown = repository.gitLine(["log", "-1", "--format=%an|%ae|%at", oid]);
    assert.equal(ours(line), shown, JSON.stringify(line));
  }
});

test("an endless string of digits is a date at git's limit", () => {
  const identity = parseIdentity(Buffer.from(`A <a@b> ${"9".repeat(100_000)} +0000`));
  assert.equal(identity?.date?.seconds, 2n ** 64n - 1n);
});
