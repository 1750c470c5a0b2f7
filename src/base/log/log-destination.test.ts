import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { openLogDestination } from "./log-destination.ts";

function temporaryFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "log-destination-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "log");
}

test("everything is written once the destination is closed", async (t) => {
  const path = temporaryFile(t);
  const destination = openLogDestination(openSync(path, "w"));
  const lines = Array.from({ length: 10_000 }, (_, index) => `line ${index}\n`);
  for (const line of lines) destination.write(line);
  await destination.close();
  assert.equal(readFileSync(path, "utf8"), lines.join(""));
});

test("lines written just before the process exits are kept", (t) => {
  const path = temporaryFile(t);
  const script = `
    import { openSync } from "node:fs";
    import { openLogDestination } from ${JSON.stringify(new URL("./log-destination.ts", import.meta.url))};
    openLogDestination(openSync(${JSON.stringify(path)}, "w")).write("last words\\n");
    process.exit(3);
  `;
  assert.throws(() => execFileSync(process.execPath, ["--input-type=module", "-e", script]), {
    status: 3,
  });
  assert.equal(readFileSync(path, "utf8"), "last words\n");
});
