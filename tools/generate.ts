/**
 * Generates src/proto from proto/.
 *
 * Usage: node tools/generate.ts [--check]
 *
 * With --check nothing is written: the differing files are listed, and the exit status is 1 when
 * there are any. Only files that the generator names are touched, so others may stand beside them.
 */

import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const root = join(import.meta.dirname, "..");
const binaries = join(root, "node_modules", ".bin");
const target = join(root, "src", "proto");

const scratch = mkdtempSync(join(tmpdir(), "generate-"));
try {
  generate(scratch);
  const fresh = join(scratch, "src", "proto");
  const files = differingFiles(fresh, target);
  if (process.argv.includes("--check")) report(files);
  else replace(files, fresh);
} finally {
  rmSync(scratch, { recursive: true });
}

function generate(output: string): void {
  const { status, error } = spawnSync(join(binaries, "buf"), ["generate", "--output", output], {
    cwd: root,
    env: { ...process.env, PATH: `${binaries}${delimiter}${process.env["PATH"] ?? ""}` },
    stdio: "inherit",
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`buf generate ended with status ${status}`);
}

function differingFiles(fresh: string, current: string): readonly string[] {
  const freshFiles = listGenerated(fresh);
  if (freshFiles.size === 0) throw new Error("buf generate wrote no files");
  const currentFiles = listGenerated(current);
  const names = [...new Set([...freshFiles, ...currentFiles])].toSorted((a, b) => (a < b ? -1 : 1));
  return names.filter((name) => {
    if (!freshFiles.has(name) || !currentFiles.has(name)) return true;
    return !readFileSync(join(fresh, name)).equals(readFileSync(join(current, name)));
  });
}

function listGenerated(folder: string): Set<string> {
  return new Set(globSync("**/*_pb.ts", { cwd: folder }));
}

function report(files: readonly string[]): void {
  for (const file of files) console.error(`src/proto/${file} differs from proto/`);
  if (files.length > 0) process.exitCode = 1;
}

function replace(files: readonly string[], fresh: string): void {
  const freshFiles = listGenerated(fresh);
  for (const file of files) {
    if (freshFiles.has(file)) cpSync(join(fresh, file), join(target, file));
    else rmSync(join(target, file));
  }
}
