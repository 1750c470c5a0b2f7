/** Compares what the files below src/ import with the table of who may import whom. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { findCycles } from "./find-cycles.ts";
import { countImportLines, type Imports, readImports } from "./read-imports.ts";
import { LAYERS, SIBLINGS, SOLE_RIGHTS } from "./table.ts";

export type Survey = {
  readonly moduleCount: number;
  readonly importCount: number;
  readonly violations: readonly string[];
};

type Module = {
  /** Relative to src/. */
  readonly path: string;
  readonly imports: Imports;
  /** Paths of our own modules, relative to src/. */
  readonly inner: readonly string[];
  /** Packages and what Node brings along. */
  readonly outer: readonly string[];
};

/** `source` is the folder src/ of the project. */
export function findViolations(source: string): Survey {
  const paths = globSync("**/*.ts", { cwd: source }).sort();
  const violations: string[] = [];
  const modules = paths.map((path) => {
    const text = readFileSync(join(source, path), "utf8");
    const module = readModule(path, text);
    if (module.imports.specifiers.length < countImportLines(text)) {
      violations.push(`${path}: the parser does not see all imports`);
    }
    return module;
  });
  if (modules.length === 0) violations.push("no module was found");
  for (const module of modules) violations.push(...checkModule(module, source));
  const graph = new Map(modules.map(({ path, inner }) => [path, inner]));
  for (const cycle of findCycles(graph)) violations.push(`cycle: ${cycle.join(" -> ")}`);
  const importCount = modules.reduce((sum, { imports }) => sum + imports.specifiers.length, 0);
  return { moduleCount: modules.length, importCount, violations };
}

function readModule(path: string, text: string): Module {
  const imports = readImports(text);
  const inner: string[] = [];
  const outer: string[] = [];
  for (const specifier of imports.specifiers) {
    if (specifier.startsWith(".")) inner.push(join(dirname(path), specifier));
    else outer.push(packageOf(specifier));
  }
  return { path, imports, inner, outer };
}

/** `@scope/name/file` belongs to `@scope/name`. */
function packageOf(specifier: string): string {
  if (specifier.startsWith("node:")) return specifier.split("/", 1).join("");
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

function checkModule(module: Module, source: string): string[] {
  const { path, imports } = module;
  const found: string[] = [];
  if (LAYERS[folderOf(path)] === undefined)
    found.push("lies in a folder that the table does not have");
  if (imports.isBarrel || /(?:^|\/)index\.ts$/.test(path)) found.push("is a barrel file");
  for (const target of new Set(module.inner)) {
    const objection = existsSync(join(source, target))
      ? objectionTo(path, target)
      : "which is not there";
    if (objection !== undefined) found.push(`imports ${target}, ${objection}`);
  }
  for (const name of new Set(module.outer)) {
    const holders = SOLE_RIGHTS[name];
    if (
      holders === undefined ||
      isForTests(path) ||
      holders.some((holder) => isBelow(path, holder))
    )
      continue;
    found.push(`imports ${name}, which only ${holders.join(", ")} may`);
  }
  return found.map((text) => `${path}: ${text}`);
}

function objectionTo(path: string, target: string): string | undefined {
  const from = folderOf(path);
  const to = folderOf(target);
  if (target.startsWith("..")) return "which lies outside of src";
  if (target.endsWith(".test.ts")) return "which is a test";
  if (to === "testing") return isForTests(path) ? undefined : "which is for tests only";
  if (from !== to)
    return LAYERS[from]?.mayImport.includes(to) ? undefined : `${from} may not import ${to}`;
  const shared = SIBLINGS[from];
  const [sibling, other] = [siblingOf(path), siblingOf(target)];
  if (shared === undefined || sibling === other || other === undefined) return undefined;
  return shared.includes(other) ? undefined : "a sibling";
}

function folderOf(path: string): string {
  return path.split("/", 1).join("");
}

/** The folder below the layer's own; undefined for a file directly in the layer. */
function siblingOf(path: string): string | undefined {
  const [, folder, ...rest] = path.split("/");
  return rest.length > 0 ? folder : undefined;
}

function isForTests(path: string): boolean {
  return path.endsWith(".test.ts") || folderOf(path) === "testing";
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`) || path === `${folder}.ts`;
}
