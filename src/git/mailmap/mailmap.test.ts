import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestRepository } from "../../testing/git-repository.ts";
import { Mailmap } from "./mailmap.ts";

const MAILMAP = `
# a comment <x@y>
Proper Name <used@example.com>
<proper@example.com> <wrong@example.com>
  Both Names\t <both@example.com>  <old-both@example.com> # and a comment
Jane Doe <jane@desktop.(none)> Joe <bugs@Example.com>
Jane Roe <jane@example.com> Jane <BUGS@example.com>
Simple <simple@example.com> <bugs@example.com>
Nobody <nobody@example.com> <>
<> ignored
No Address
Overwritten <twice@example.com>
Twice <twice@example.com>
Cut <cut@example.com
Late <late@example.com> Late Name <late@old>
`;

const IDENTITIES = [
  "A U Thor <author@example.com>",
  "anything <used@example.com>",
  "anything <USED@example.com>",
  "kept <wrong@example.com>",
  "x <old-both@example.com>",
  "Joe <bugs@example.com>",
  "JANE <bugs@EXAMPLE.com>",
  "Jim <bugs@example.com>",
  "empty <>",
  "x <twice@example.com>",
  "x <cut@example.com>",
  "late name <late@old>",
  "early name <late@old>",
  " <used@example.com>",
];

test("a mailmap rewrites identities as git does", (t) => {
  const repository = createTestRepository(t);
  const blob = repository.gitLine(["hash-object", "-w", "--stdin"], { input: MAILMAP });
  const mailmap = new Mailmap(Buffer.from(MAILMAP));
  for (const identity of IDENTITIES) {
    const line = `${identity} 1700000000 +0100`;
    const tree = repository.gitLine(["hash-object", "-t", "tree", "-w", "--stdin"]);
    const input = `tree ${tree}\nauthor ${line}\ncommitter ${line}\n\nmessage\n`;
    const commit = repository.gitLine(
      ["hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
      { input },
    );
    const args = ["-c", `mailmap.blob=${blob}`, "cat-file", "--use-mailmap", "commit", commit];
    const shown = repository.git(args);
    const [, author] = shown.toString().split("\n");
    assert.equal(`author ${mailmap.rewrite(Buffer.from(line)).toString()}`, author);
    assert.equal(mailmap.rewriteHeaders(Buffer.from(input)).toString(), shown.toString());
  }
});

test("a mailmap leaves lines alone that hold no identity", () => {
  const mailmap = new Mailmap(Buffer.from(MAILMAP));
  for (const text of ["", "no address", "open <used@example.com", "x <author@example.com>"]) {
    const line = Buffer.from(text);
    assert.equal(mailmap.rewrite(line), line);
  }
});

test("a mailmap may be empty, and ends at a NUL", () => {
  assert.equal(new Mailmap(Buffer.from("# nothing\n")).isEmpty, true);
  const mailmap = new Mailmap(Buffer.from("A <a@x>\n\0B <b@x>\n"));
  assert.equal(mailmap.rewrite(Buffer.from("z <a@x> 1 +0000")).toString(), "A <a@x> 1 +0000");
  assert.equal(mailmap.rewrite(Buffer.from("z <b@x> 1 +0000")).toString(), "z <b@x> 1 +0000");
});

test("a mailmap finds who stands in for a person, again and again", () => {
  const mailmap = new Mailmap(Buffer.from("New <new@x> Old <old@x>\nName <c@x>\n"));
  const content = Buffer.from("author Old <old@x> 1 +0000\nC <c@x> 2 +0000\nD <old@x> 3 +0000\n");
  const find = (person: string): string | undefined => {
    const from = content.indexOf(person);
    return mailmap.findPerson(content, from, from + person.length)?.toString();
  };
  for (let round = 0; round < 2; round++) {
    assert.equal(find("Old <old@x"), "New <new@x");
    assert.equal(find("C <c@x"), "Name <c@x");
    assert.equal(find("D <old@x"), undefined);
  }
  for (let index = 0; index < 3000; index++) {
    const person = Buffer.from(`Person ${index} <c@x`);
    assert.equal(mailmap.findPerson(person, 0, person.length)?.toString(), "Name <c@x");
  }
});
