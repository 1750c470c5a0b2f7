import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type FileResult, runFile } from "./run-file.ts";

const LIMITS = { testMs: 5_000, fileMs: 3_000 };

function run(t: TestContext, body: string): Promise<FileResult> {
  const folder = mkdtempSync(join(tmpdir(), "run-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "a.test.mjs");
  writeFileSync(file, `import { describe, test } from "node:test";\n${body}`);
  return runFile(file, join(folder, "scratch"), LIMITS, t.signal);
}

test("passed, failed and skipped tests are told apart, each once", async (t) => {
  const result = await run(
    t,
    `test("good", () => {});
     test("bad", () => { throw new Error("reason"); });
     test("none", { skip: "no tool" }, () => {});
     describe("outer", () => { test("inner", () => { throw new Error("deep"); }); });`,
  );
  assert.equal(result.passedCount, 1);
  assert.deepEqual(
    result.failures.map(({ name }) => name),
    ["bad", "outer > inner"],
  );
  assert.match(result.failures[0]?.text ?? "", /^Error: reason/);
  assert.deepEqual(result.skipped, [{ name: "none", text: "no tool" }]);
});

const FAULTS = [
  { name: "hangs", body: "setInterval(() => {}, 1000);", found: /its limit/ },
  { name: "cannot be loaded", body: 'import "./nothing.mjs";', found: /reported no test/ },
  { name: "ends too early", body: "process.exitCode = 3;", found: /ended with status 3/ },
  {
    name: "forgets a process",
    body: `import { spawn } from "node:child_process";
           spawn("sleep", ["60"], { detached: true, stdio: "inherit" }).unref();`,
    found: /left running: sleep 60/,
  },
  {
    name: "forgets a temporary file",
    body: `import { writeFileSync } from "node:fs";
           writeFileSync(process.env.TMPDIR + "/mine", "");`,
    found: /left in the temporary directory: mine/,
  },
] as const;

for (const { name, body, found } of FAULTS) {
  test(`a file that ${name} fails`, async (t) => {
    const { failures } = await run(t, `test("good", () => {});\n${body}`);
    assert.equal(failures.length, 1);
    assert.match(failures[0]?.text ?? "", found);
  });
}
