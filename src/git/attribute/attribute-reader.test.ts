import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { commitFiles } from "../../testing/commit-files.ts";
import { createTestRepository } from "../../testing/git-repository.ts";
import type { Oid } from "../oid/oid.ts";
import { RepositoryCache } from "../repository/repository-cache.ts";
import { AttributeReader } from "./attribute-reader.ts";
import type { AttributeState } from "./attribute-rules.ts";

const ROOT = [
  ...["\xef\xbb\xbf# a comment", "", "  *.c diff", "*.h -diff", "*.x diff=one", "*.x diff=two"],
  ...["[attr]mine diff=mine other", "[attr]bad/name diff", "*.m mine", "*.n -mine", "*.o !mine"],
  ...["*.p mine -diff", "*.q -diff mine", "/top diff=top", "top diff=any", "a/b diff=path"],
  ...["a/**/z diff=deep", "folder/ diff=folder", "!negated diff", '"quo ted" diff=quoted'],
  ...[
    '"esc\\141pe" diff=escaped',
    '"open diff',
    "[a-c]lass diff=class",
    "*.bin binary",
    "*.b2 binary diff",
  ],
  ...["wrong -=x", "valid diff=a=b", "builtin_x builtin_y diff", `${"l".repeat(3000)} diff`],
  ...["crlf diff=crlf\r", "tab\tdiff=tab", "* other", "esc\\*ape diff=star", "sub/* diff=star"],
].join("\n");

const PATHS = [
  ...["a.c", "a.h", "a.x", "a.m", "a.n", "a.o", "a.p", "a.q", "top", "in/top", "a/b", "in/a/b"],
  ...["a/z", "a/1/z", "a/1/2/z", "folder", "folder/x", "negated", "quo ted", "escape", "open"],
  ...["class", "dlass", "a.bin", "a.b2", "wrong", "valid", "builtin_x", "l".repeat(3000), "crlf"],
  ...["tab", "none", "esc*ape", "escXape", "sub/x", "sub/y.c", "sub/deep/y.c", "sub/deep/x.info"],
];

test("AttributeReader finds the attributes that git finds", (t) => {
  for (const format of ["sha1", "sha256"] as const) {
    const repository = createTestRepository(t, { format });
    const commit = commitFiles(repository, {
      ".gitattributes": { mode: "100644", content: Buffer.from(ROOT, "latin1") },
      "sub/.gitattributes": "*.c diff=sub\n/y.c diff=anchored\n[attr]mine -diff\n",
      "sub/deep/.gitattributes": "*.c !diff\n\0*.info diff\n",
    });
    mkdirSync(join(repository.path, "info"), { recursive: true });
    const infoPath = join(repository.path, "info/attributes");
    const cache = new RepositoryCache();
    t.after(() => cache.close());
    const { objects, attributes: parsed } = cache.open(repository.path);
    for (const info of ["", "*.info diff=info\n[attr]mine diff=other\n*.c other\n"]) {
      writeFileSync(infoPath, info);
      const args = ["check-attr", "--source", commit, "--stdin", "-z", "diff", "other"];
      const input = PATHS.map((path) => `${path}\0`).join("");
      const fields = repository.git(args, { input }).toString("latin1").split("\0");
      const tree = repository.gitLine(["rev-parse", `${commit}^{tree}`]) as Oid;
      const reader = new AttributeReader({ objects, tree, infoPath, parsed });
      for (let i = 0; i + 2 < fields.length; i += 3) {
        const [path = "", name = "", expected] = fields.slice(i, i + 3);
        assert.equal(shown(reader.stateOf(path, name)), expected, `${name} of ${path}`);
      }
    }
  }
});

test("AttributeReader needs neither a tree nor a file", (t) => {
  const repository = createTestRepository(t);
  const cache = new RepositoryCache();
  t.after(() => cache.close());
  const { objects, attributes: parsed } = cache.open(repository.path);
  const infoPath = join(repository.path, "missing");
  const sources = { objects, tree: undefined, infoPath, parsed };
  assert.equal(new AttributeReader(sources).stateOf("a/b", "diff"), undefined);
});

/** As `git check-attr` prints it. */
function shown(state: AttributeState | undefined): string {
  if (state === undefined || state === "open") return "unspecified";
  if (typeof state === "boolean") return state ? "set" : "unset";
  return state.value;
}
