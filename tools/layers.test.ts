import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { findViolations } from "./layers/find-violations.ts";

type Files = Readonly<Record<string, string>>;

function violationsOf(t: TestContext, files: Files): readonly string[] {
  const source = mkdtempSync(join(tmpdir(), "layers-"));
  t.after(() => rmSync(source, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(source, dirname(path)), { recursive: true });
    writeFileSync(join(source, path), text);
  }
  return findViolations(source).violations;
}

const NOTHING = "export const a = 1;\n";

const CASES: ReadonlyArray<{
  readonly name: string;
  readonly files: Files;
  readonly found: readonly string[];
}> = [
  {
    name: "an import down the table passes",
    files: {
      "git/a.ts": 'import { a } from "../base/a.ts";\nexport const b = a;\n',
      "base/a.ts": NOTHING,
    },
    found: [],
  },
  {
    name: "an upward import is found",
    files: {
      "base/a.ts": 'import { a } from "../git/a.ts";\nexport const b = a;\n',
      "git/a.ts": NOTHING,
    },
    found: ["base/a.ts: imports git/a.ts, base may not import git"],
  },
  {
    name: "an upward import of a type is found",
    files: {
      "base/a.ts": 'import type { A } from "../git/a.ts";\nexport type B = A;\n',
      "git/a.ts": NOTHING,
    },
    found: ["base/a.ts: imports git/a.ts, base may not import git"],
  },
  {
    name: "imports inside of expressions and types are found, beside a using declaration",
    files: {
      "base/a.ts":
        'export type B = import("../git/a.ts").A;\nexport async function c() {\n  await using a = await import("../rpc/a.ts");\n}\n',
      "git/a.ts": NOTHING,
      "rpc/a.ts": NOTHING,
    },
    found: [
      "base/a.ts: imports git/a.ts, base may not import git",
      "base/a.ts: imports rpc/a.ts, base may not import rpc",
    ],
  },
  {
    name: "a cycle is found",
    files: {
      "git/a.ts": 'import { b } from "./b.ts";\nexport const a = b;\n',
      "git/b.ts": 'import { c } from "./c.ts";\nexport const b = c;\n',
      "git/c.ts": 'import type { a } from "./a.ts";\nexport const c: typeof a = 1;\n',
    },
    found: ["cycle: git/a.ts -> git/b.ts -> git/c.ts -> git/a.ts"],
  },
  {
    name: "a sibling service's import is found, the shared folder's is not",
    files: {
      "services/ref/a.ts":
        'import { a } from "../blob/a.ts";\nimport { a as b } from "../common/a.ts";\nexport const c = [a, b];\n',
      "services/blob/a.ts": NOTHING,
      "services/common/a.ts": NOTHING,
    },
    found: ["services/ref/a.ts: imports services/blob/a.ts, a sibling"],
  },
  {
    name: "the shared folder may not import a service",
    files: {
      "services/common/a.ts": 'import { a } from "../blob/a.ts";\nexport const b = a;\n',
      "services/blob/a.ts": NOTHING,
    },
    found: ["services/common/a.ts: imports services/blob/a.ts, a sibling"],
  },
  {
    name: "helpers of tests are for tests",
    files: {
      "git/a.ts": 'import { a } from "../testing/a.ts";\nexport const b = a;\n',
      "git/a.test.ts": 'import { a } from "../testing/a.ts";\nexport const b = a;\n',
      "testing/a.ts": NOTHING,
    },
    found: ["git/a.ts: imports testing/a.ts, which is for tests only"],
  },
  {
    name: "a sole right is kept, except in tests",
    files: {
      "git/a.ts": 'import { connect } from "node:http2";\nexport const a = connect;\n',
      "git/a.test.ts": 'import { spawn } from "node:child_process";\nexport const a = spawn;\n',
      "rpc/a.ts": 'import { connect } from "node:http2";\nexport const a = connect;\n',
      "app/a.ts": 'import { x } from "@grpc/grpc-js/build/src/x.js";\nexport const a = x;\n',
    },
    found: [
      "app/a.ts: imports @grpc/grpc-js, which only rpc may",
      "git/a.ts: imports node:http2, which only rpc may",
    ],
  },
  {
    name: "a barrel file is found",
    files: {
      "git/all.ts": 'export * from "./a.ts";\nexport { a } from "./a.ts";\n',
      "git/a.ts": NOTHING,
    },
    found: ["git/all.ts: is a barrel file"],
  },
  {
    name: "a folder outside of the table is found, and an import of nothing",
    files: { "util/a.ts": 'import { b } from "./b.ts";\nexport const a = b;\n' },
    found: [
      "util/a.ts: lies in a folder that the table does not have",
      "util/a.ts: imports util/b.ts, which is not there",
    ],
  },
  {
    name: "a source folder without modules does not pass",
    files: {},
    found: ["no module was found"],
  },
];

for (const { name, files, found } of CASES) {
  test(name, (t) => assert.deepEqual(violationsOf(t, files), found));
}
