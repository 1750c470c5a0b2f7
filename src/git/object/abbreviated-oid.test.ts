import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createTestRepository } from "../../testing/git-repository.ts";
import { type ObjectFormat, parseOid } from "../oid/oid.ts";
import { ReaderResources } from "../pack/reader-resources.ts";
import { abbreviateOid, type OidContext, resolveAbbreviatedOid } from "./abbreviated-oid.ts";
import { ObjectDatabase } from "./object-database.ts";
import { ObjectSources } from "./object-source.ts";

const FORMATS: readonly ObjectFormat[] = ["sha1", "sha256"];
const CONTEXTS: readonly OidContext[] = ["commit", "committish", "tree", "treeish", "blob"];

/** Enough objects that many of them share their first four digits. */
const BLOBS = 4000;

for (const format of FORMATS) {
  test(`${format}: abbreviated ids resolve as git resolves them`, (t) => {
    const repository = createTestRepository(t, { format });
    const parts: string[] = [];
    for (let i = 0; i < BLOBS; i++) {
      const committer = `committer C <c@d> ${1_600_000_000 + i} +0000\ndata 1\nx`;
      parts.push(`commit refs/heads/main\n${committer}\nM 100644 inline f\ndata <<E\n${i}\nE\n\n`);
      if (i % 8 === 0)
        parts.push(`tag t${i}\nfrom refs/heads/main\ntagger C <c@d> 1 +0000\ndata 1\nx\n`);
    }
    repository.git(["fast-import", "--quiet"], { input: parts.join("") });
    const database = new ObjectDatabase({
      objectDirectory: join(repository.path, "objects"),
      format,
      sources: new ObjectSources(new ReaderResources()),
    });
    t.after(() => database.close());
    const all = repository
      .git(["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"])
      .toString()
      .trimEnd()
      .split("\n");

    const prefixes = all.slice(0, 400).map((id) => id.slice(0, 4));
    const output = repository.gitLines(["cat-file", "--batch-check"], {
      input: prefixes.map((prefix) => `${prefix}\n`).join(""),
    });
    const kinds = new Set<string>();
    for (const [i, prefix] of prefixes.entries()) {
      const resolution = resolveAbbreviatedOid(database, prefix.toUpperCase());
      kinds.add(resolution.kind);
      const expected = output[i] ?? "";
      if (resolution.kind === "unique") assert.ok(expected.startsWith(resolution.oid), expected);
      else assert.equal(expected, `${prefix} ${resolution.kind}`);
      const candidates = repository.gitLines(["rev-parse", `--disambiguate=${prefix}`]).sort();
      const ours = resolution.kind === "ambiguous" ? resolution.candidates : candidates;
      assert.deepEqual(ours, candidates);
    }
    assert.deepEqual([...kinds].sort(), ["ambiguous", "unique"]);

    for (const id of all.slice(0, 40)) {
      const oid = parseOid(id);
      assert.ok(oid);
      assert.equal(
        abbreviateOid(database, oid, 4),
        repository.gitLine(["rev-parse", "--short=4", id]),
      );
    }

    for (const context of CONTEXTS) {
      const settled = prefixes.filter(
        (prefix) => resolveAbbreviatedOid(database, prefix, context).kind === "unique",
      );
      const config = ["-c", `core.disambiguate=${context}`, "cat-file", "--batch-check"];
      const input = prefixes.map((prefix) => `${prefix}\n`).join("");
      const theirs = repository.gitLines(config, { input });
      const expected = prefixes.filter((_, i) => !/ (?:ambiguous|missing)$/.test(theirs[i] ?? ""));
      assert.deepEqual(settled, expected, context);
    }
  });
}

for (const format of FORMATS) {
  test(`${format}: zeros behind a whole id count as git counts them`, (t) => {
    const repository = createTestRepository(t, { format });
    const id = repository.git(["hash-object", "-w", "--stdin"], { input: "x" }).toString().trim();
    const database = new ObjectDatabase({
      objectDirectory: join(repository.path, "objects"),
      format,
      sources: new ObjectSources(new ReaderResources()),
    });
    t.after(() => database.close());
    const names = ["0", "1", "01", "0".repeat(24), "0".repeat(25)].map((end) => `${id}${end}`);
    const output = repository.gitLines(["cat-file", "--batch-check"], {
      input: [id, ...names].map((name) => `${name}\n`).join(""),
    });
    const ours = [id, ...names].map((name) => {
      const found = resolveAbbreviatedOid(database, name);
      return found.kind === "unique" ? `${found.oid} blob 1` : `${name} ${found.kind}`;
    });
    assert.deepEqual(ours, output);
    assert.equal(output[1], format === "sha1" ? `${id} blob 1` : `${names[0]} missing`);
  });
}

test("too few digits, or none, name nothing", (t) => {
  const repository = createTestRepository(t);
  const id = repository.gitLine(["hash-object", "-w", "--stdin"], { input: "x" });
  const database = new ObjectDatabase({
    objectDirectory: join(repository.path, "objects"),
    format: "sha1",
    sources: new ObjectSources(new ReaderResources()),
  });
  t.after(() => database.close());
  for (const prefix of ["", id.slice(0, 3), `${id.slice(0, 4)}g`, "0000"]) {
    assert.equal(resolveAbbreviatedOid(database, prefix).kind, "missing");
  }
  assert.deepEqual(resolveAbbreviatedOid(database, id.slice(0, 4)), { kind: "unique", oid: id });
});
