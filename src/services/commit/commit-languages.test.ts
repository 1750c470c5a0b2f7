import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { deflateSync, inflateSync } from "node:zlib";
import { CommitService } from "../../proto/commit_pb.ts";
import { changeFiles } from "../../testing/change-files.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

const RUBY = "puts 'Hello world!'\n";
const C = "#include <stdio.h>\n\nint main(void) { return 0; }\n";

async function fixture(t: TestContext, format: "sha1" | "sha256" = "sha1") {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const repository = server.repository({ format });
  const ask = async (revision = "") => {
    const request = { repository: repository.address, revision: Buffer.from(revision) };
    const { languages } = await client.commitLanguages(request);
    return languages.map(({ name, bytes }) => [name, Number(bytes)]);
  };
  const file = join(repository.path, "gitaly-language.stats");
  return { client, repository, ask, file };
}

for (const format of ["sha1", "sha256"] as const) {
  test(`commitLanguages counts bytes of languages (${format})`, async (t) => {
    const { client, repository, ask, file } = await fixture(t, format);
    const commit = changeFiles(repository, {
      "file.rb": RUBY,
      "file.c": C,
      "README.md": "prose\n",
      "data.json": "{}\n",
      "empty.go": "",
      "docs/x.rb": RUBY,
      "vendor/x.rb": RUBY,
      "a.min.js": `${"x".repeat(500)}\n`,
      script: "#!/usr/bin/env ruby\n1\n",
      "binary.c": Buffer.from("a\0b"),
    });
    const { languages } = await client.commitLanguages({ repository: repository.address });
    const bytes = RUBY.length + 22;
    assert.deepEqual(
      languages.map(({ name, color, languageId, share, bytes: count }) => {
        return [name, color, languageId, Math.round(share), count];
      }),
      [
        ["C", "#555555", 41n, Math.round((100 * C.length) / (C.length + bytes)), BigInt(C.length)],
        ["Ruby", "#701516", 326n, Math.round((100 * bytes) / (C.length + bytes)), BigInt(bytes)],
      ],
    );
    const stored = JSON.parse(inflateSync(readFileSync(file)).toString());
    assert.equal(stored.version, "v3:gitaly");
    assert.equal(stored.commit_id, commit);
    assert.deepEqual(stored.totals, { C: C.length, Ruby: bytes });
    assert.deepEqual(stored.by_file["file.rb"], { Ruby: RUBY.length });
    assert.deepEqual(await ask(commit), [
      ["C", C.length],
      ["Ruby", bytes],
    ]);
  });
}

test("commitLanguages looks at what has changed since the last time", async (t) => {
  const { repository, ask, file } = await fixture(t);
  changeFiles(repository, { "a.rb": RUBY, "b.c": C });
  await ask();
  // What the file says counts for files that have not changed.
  const stored = JSON.parse(inflateSync(readFileSync(file)).toString());
  stored.totals.C = stored.by_file["b.c"].C = 1000;
  writeFileSync(file, deflateSync(JSON.stringify(stored)));
  changeFiles(repository, { "a.rb": null, "c.rb": "1\n" });
  assert.deepEqual(await ask(), [
    ["C", 1000],
    ["Ruby", 2],
  ]);
  changeFiles(repository, { ".gitattributes": "*.rb linguist-vendored\n" });
  assert.deepEqual(await ask(), [["C", C.length]]);
  for (const damage of ["garbage", deflateSync("{}"), deflateSync('{"version":"v2"}')]) {
    writeFileSync(file, damage);
    assert.deepEqual(await ask(), [["C", C.length]]);
  }
});

test("commitLanguages obeys attributes", async (t) => {
  const { repository, ask } = await fixture(t);
  changeFiles(repository, {
    ".gitattributes": [
      "*.msg linguist-language=omnetpp-msg linguist-detectable",
      "a.rb -linguist-detectable",
      "docs/*.c -linguist-documentation",
      "gen.c linguist-generated",
      "*.md linguist-detectable",
    ].join("\n"),
    "network.msg": "a".repeat(200),
    "a.rb": RUBY,
    "docs/a.c": C,
    "gen.c": C,
    "x.md": "# x",
  });
  assert.deepEqual(await ask(), [
    ["OMNeT++ MSG", 200],
    ["C", C.length],
    ["Markdown", 3],
  ]);
});

test("commitLanguages prefers branches to tags", async (t) => {
  const { repository, ask } = await fixture(t);
  changeFiles(repository, { "a.c": C }, { ref: "refs/heads/v1.0.0" });
  changeFiles(repository, { "a.rb": RUBY }, { ref: "refs/tags/v1.0.0" });
  assert.deepEqual(await ask("v1.0.0"), [["C", C.length]]);
  assert.deepEqual(await ask("refs/tags/v1.0.0"), [["Ruby", RUBY.length]]);
});

test("commitLanguages refuses what has no files, and what git can't compare", async (t) => {
  const { repository, ask } = await fixture(t);
  changeFiles(repository, { "a.c": C }, { ref: "refs/heads/main" });
  const commit = repository.gitLine(["rev-parse", "main"]);
  const blob = repository.gitLine(["rev-parse", "main:a.c"]);
  const missing = "1".repeat(40);
  const refusals = async (problems: readonly (readonly [string, string])[]): Promise<void> => {
    for (const [revision, problem] of problems) {
      const message = `language stats: linguist ${problem}`;
      await assert.rejects(ask(revision), { kind: "internal", message });
    }
  };
  const listing = "object iterator: ls-tree pipeline command: exit status 128, stderr:";
  await refusals([
    [blob, `${listing} "fatal: not a tree object\\n"`],
    [missing, `${listing} "fatal: not a tree object\\n"`],
    ["^main", `${listing} "fatal: Not a valid object name ^${commit}\\n"`],
  ]);
  await ask("main");
  const comparing = "cannot determine full recalculation: git diff .gitattributes: exit status";
  await refusals([
    [blob, `${comparing} 129`],
    [missing, `${comparing} 128`],
    ["^main", `${comparing} 128`],
  ]);
});

test("commitLanguages refuses invalid requests", async (t) => {
  const { client, repository, ask } = await fixture(t);
  await assert.rejects(ask("--output=/meow"), {
    kind: "invalid-argument",
    message: "revision can't start with '-'",
  });
  for (const revision of ["", "missing"]) {
    await assert.rejects(ask(revision), {
      kind: "internal",
      message: `looking up revision: exit status 128: fatal: ambiguous argument '${revision}': unknown revision or path not in the working tree.`,
    });
  }
  await assertRepositoryErrors((address) =>
    client.commitLanguages({ ...(address && { repository: address }) }),
  );
  const commit = repository.gitLine(["commit-tree", repository.gitLine(["mktree"]), "-m", "x"]);
  assert.deepEqual(await ask(commit), []);
});
