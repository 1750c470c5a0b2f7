import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runTestGit, temporaryDirectory } from "../../testing/git-repository.ts";
import { CorruptConfigError, GitConfig } from "./git-config.ts";

const GOOD = [
  "",
  "[core]\n\tbare = true\n",
  "\ufeff[core]\nbare=false",
  '[remote "Ori gin"]\n url = a b  c   # comment\n[Remote "ori gin"]URL=x;y\n',
  "[a.B.c]\nKey-1 = v\n[a]\n key\n key2 =\n key3=   \n",
  '[s]\nq = " lead" and "trail "  \nr = a\\\n  b\\t\\"\\\\ \ns = "a#b;c"#d\nt = "open" \\\n more\n',
  '[s "with \\"quotes\\" and \\\\ \\x"]\nk = 1\n',
  "[crlf]\r\nk = v\r\nx = a\rb\r\n",
  "; only\n# comments\n",
  "[multi]\nk = 1\nk = 2\n[multi]\nk=3",
  "[bytes]\nk = caf\u00e9 \u2192\n",
  '[empty ""]\nk = v\n',
  "[a]\nk = v \\",
  '[s]\nk = ""\nl = "" \nm = a "" \n',
];

const BAD = [
  "[core\nbare = true\n",
  "[]\nk = v\n",
  "key before [section] = 1\n1 = 2\n",
  '[a "b]\nk = v\n',
  '[a "b" ]\nk = v\n',
  "[a b]\nk = v\n",
  "[a]\nk v\n",
  '[a]\nk = "open\nl = v\n',
  "[a]\nk = \\x\n",
  "[a]\nk_x = v\n",
  "[a]\n= v\n",
];

function listWithGit(path: string): string[] {
  const output = runTestGit(["config", "--file", path, "--list", "-z"], {}).toString("latin1");
  return output.split("\0").slice(0, -1);
}

test("files are read as git reads them", (t) => {
  const path = join(temporaryDirectory(t), "config");
  for (const text of GOOD) {
    writeFileSync(path, text);
    const ours = GitConfig.parse(Buffer.from(text)).entries.map(({ name, value }) =>
      value === null ? name : `${name}\n${value}`,
    );
    assert.deepEqual(ours, listWithGit(path), text);
  }
});

test("what git refuses is refused", (t) => {
  const path = join(temporaryDirectory(t), "config");
  for (const text of BAD) {
    writeFileSync(path, text);
    assert.throws(() => listWithGit(path), /bad config line/, text);
    assert.throws(() => GitConfig.parse(Buffer.from(text)), CorruptConfigError, text);
  }
});

test("the last value counts, in the type that is asked for", (t) => {
  const text = [
    "[b]\nnothing\nempty =\nyes = YES\noff = Off\nzero = 0\nnumber = 7\nodd = maybe\n",
    "[i]\nplain = 42\nnegative = -5\nkilo = 2k\ngiga = 3G\nhex = 0x10\noctal = 010\nodd = 1t\n",
    "[multi]\nk = 1\nk = 2\n",
  ].join("");
  const path = join(temporaryDirectory(t), "config");
  writeFileSync(path, text);
  const config = GitConfig.parse(Buffer.from(text));
  for (const { name } of config.entries) {
    const type = name.startsWith("b.") ? "bool" : "int";
    let theirs: string | undefined;
    try {
      theirs = runTestGit(["config", "--file", path, `--type=${type}`, "--get", name], {})
        .toString()
        .trim();
    } catch {
      theirs = undefined;
    }
    const ours = type === "bool" ? config.getBoolean(name) : config.getInteger(name);
    assert.equal(ours === undefined ? undefined : String(ours), theirs, name);
  }
  assert.deepEqual(config.getAll("multi.k"), ["1", "2"]);
  assert.equal(config.get("multi.none"), undefined);
  assert.equal(config.get("b.nothing"), null);
});
