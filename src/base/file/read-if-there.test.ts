import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readIfThere } from "./read-if-there.ts";

test("a file is read, a missing one is nothing, and everything else fails", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "read-if-there-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "file");
  writeFileSync(path, "content");
  assert.equal(readIfThere(path)?.toString(), "content");
  assert.equal(readIfThere(join(folder, "missing")), undefined);
  assert.equal(readIfThere(join(path, "below a file")), undefined);
  assert.throws(() => readIfThere(folder), /EISDIR/);
});
