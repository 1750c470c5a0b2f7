/** Rules of the house that no linter knows. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const FILE_LINES_MAX = 400;
const README_LINES_MAX = 30;

const root: string = join(import.meta.dirname, "..");

/** Not of ours to change: what the generator, npm or a licence wrote. */
const FOREIGN = /^(?:src\/proto\/|package-lock\.json$|LICENSE)/;

/** The files that git would take, whether they are committed yet or not. */
function ownFiles(): readonly string[] {
  const { stdout } = spawnSync(
    "git",
    ["ls-files", "--cached", "--others", "--exclude-standard", "-z"],
    {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  const files = stdout.split("\0").filter((path) => path !== "" && !FOREIGN.test(path));
  return files.filter((path) => existsSync(join(root, path)));
}

function textOf(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

function lineCountOf(path: string): number {
  return textOf(path).split("\n").length - 1;
}

/** `path:line: text` for each line that matches. */
function linesWith(pattern: RegExp, paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => {
    const text = textOf(path);
    if (text.includes("\0") || !pattern.test(text)) return [];
    const lines = text.split("\n").map((line, index) => ({ line, number: index + 1 }));
    return lines
      .filter(({ line }) => pattern.test(line))
      .map(({ line, number }) => `${path}:${number}: ${line.trim()}`);
  });
}

test(`a source file stays under ${FILE_LINES_MAX} lines`, () => {
  const sources = ownFiles().filter((path) => /^(?:src|tools)\/.*\.ts$/.test(path));
  assert.ok(sources.length > 0);
  const long = sources.filter((path) => lineCountOf(path) >= FILE_LINES_MAX);
  assert.deepEqual(long, []);
});

test("every RPC has its test beside it", () => {
  const rpcs = globSync("src/services/*/*.ts", { cwd: root }).filter(isRpc);
  const untested = rpcs.filter(
    (path) => !existsSync(join(root, path.replace(/\.ts$/, ".test.ts"))),
  );
  assert.deepEqual(untested, []);
});

/** An RPC's file exports its handler, whose type names the method. */
function isRpc(path: string): boolean {
  if (path.endsWith(".test.ts")) return false;
  return /\bHandler<typeof [\w.]+\.method\.\w+>/.test(textOf(path));
}

test("open questions carry an issue's number", () => {
  // Put together, so that this file does not find itself.
  const marks = ["TO" + "DO", "FIX" + "ME", "X" + "XX"].join("|");
  const plain = linesWith(new RegExp(`\\b(?:${marks})\\b`), ownFiles());
  assert.deepEqual(plain, []);
  assert.deepEqual(linesWith(/NEEDS[W]ORK(?!\(#\d+\):)/, ownFiles()), []);
});

test(`each folder of src tells its purpose in a README of at most ${README_LINES_MAX} lines`, () => {
  const folders = new Set(ownFiles().flatMap((path) => /^src\/[^/]+(?=\/)/.exec(path)?.[0] ?? []));
  assert.ok(folders.size > 0);
  const wrong = [...folders].filter((folder) => {
    const readme = `${folder}/README.md`;
    return !existsSync(join(root, readme)) || lineCountOf(readme) > README_LINES_MAX;
  });
  assert.deepEqual(wrong, []);
});

test("no file names a path of one machine, or the host of a package registry", () => {
  // In pieces for the same reason. Example hosts and loopback addresses are fine.
  const paths = ["/work/" + "main", "/work/" + "shared", "/home/" + "\\w+/", "/root/" + "\\."];
  const hosts = [
    "deb\\." + "debian\\.org",
    "registry\\." + "npmjs",
    "npmjs\\." + "org",
    "crates\\." + "io",
  ];
  const pattern = new RegExp([...paths, ...hosts].join("|"));
  assert.deepEqual(linesWith(pattern, ownFiles()), []);
});

test("docs/dependencies.md tells about each dependency, and about no other", () => {
  const manifest: Readonly<Record<string, unknown>> = JSON.parse(textOf("package.json"));
  const kinds = ["dependencies", "devDependencies", "optionalDependencies"];
  const wanted = kinds.flatMap((kind) => Object.keys(manifest[kind] ?? {})).sort();
  const rows = textOf("docs/dependencies.md").matchAll(/^\| `([^`]+)` \|/gm);
  assert.deepEqual([...rows].map(([, name]) => name ?? "").sort(), wanted);
});
