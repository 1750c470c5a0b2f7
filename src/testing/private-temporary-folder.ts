import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { temporaryDirectory } from "./git-repository.ts";

/** Makes a folder the place of temporary files, for the rest of this test alone. */
export function privateTemporaryFolder(t: TestContext): string {
  const folder = join(temporaryDirectory(t), "tmp");
  mkdirSync(folder);
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = folder;
  t.after(() => {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  });
  return folder;
}
