/**
 * Compiles src/ into dist/: only what has changed, nothing that is tests.
 *
 * Files beside the sources that programs read while they run (pages, scripts, schemas) are copied.
 * What an earlier build left behind of sources that are gone is removed, so that a renamed module
 * cannot go on working by accident.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const root: string = join(import.meta.dirname, "..");
const source: string = join(root, "src");
const target: string = join(root, "dist");

function main(): number {
  removeOrphans();
  copyAssets();
  const compiler = join(root, "node_modules/.bin/tsc");
  const { status } = spawnSync(compiler, ["-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: "inherit",
  });
  return status ?? 1;
}

function removeOrphans(): void {
  const emitted = filesBelow(target).filter((path) => path.endsWith(".js"));
  const orphans = emitted.filter((path) => !existsSync(join(source, path.replace(/js$/, "ts"))));
  for (const path of orphans) rmSync(join(target, path));
}

function copyAssets(): void {
  for (const path of filesBelow(source).filter(isAsset)) {
    const from = join(source, path);
    const to = join(target, path);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(from, to);
    chmodSync(to, statSync(from).mode);
  }
}

function isAsset(path: string): boolean {
  if (path.startsWith("testing/") || path.startsWith("proto/")) return false;
  return !/\.ts$|\.md$/.test(path) && !basename(path).startsWith(".");
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

process.exitCode = main();
