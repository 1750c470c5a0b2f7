/** What a source file imports, types included, as the parser sees it. */
import { parseSync } from "@swc/core";

export type Imports = {
  readonly specifiers: readonly string[];
  /** The file holds nothing of its own: it only passes on what others export. */
  readonly isBarrel: boolean;
};

export function readImports(source: string): Imports {
  const { body } = parseSync(source, { syntax: "typescript", target: "esnext" });
  const specifiers: string[] = [];
  collectSpecifiers(body, specifiers);
  const passesOn = body.some(isReExport);
  const isBarrel = passesOn && body.every((item) => isReExport(item) || isImport(item));
  return { specifiers, isBarrel };
}

/** Counts imports without a parser: a lower bound that tells when the parser reads nothing. */
export function countImportLines(source: string): number {
  return source.match(/^(?:import|export) [^;"'`]*from "[^"]+";$/gm)?.length ?? 0;
}

function isImport({ type }: { readonly type: string }): boolean {
  return type === "ImportDeclaration";
}

function isReExport(item: object): boolean {
  const type = "type" in item ? item.type : undefined;
  if (type === "ExportAllDeclaration") return true;
  return type === "ExportNamedDeclaration" && "source" in item && item.source !== null;
}

/** Imports may stand anywhere: `import("x")` in a function, or as a type. So every node is visited. */
function collectSpecifiers(node: unknown, specifiers: string[]): void {
  if (typeof node !== "object" || node === null) return;
  const specifier = specifierOf(node);
  if (specifier !== undefined) specifiers.push(specifier);
  for (const child of Object.values(node)) collectSpecifiers(child, specifiers);
}

function specifierOf(node: object): string | undefined {
  if (!("type" in node)) return undefined;
  if ("source" in node && /^(?:Import|Export)\w*Declaration$/.test(String(node.type))) {
    return textOf(node.source);
  }
  if (node.type === "TsImportType" && "argument" in node) return textOf(node.argument);
  if (node.type !== "CallExpression" || !("callee" in node) || !("arguments" in node))
    return undefined;
  if (typeOf(node.callee) !== "Import" || !Array.isArray(node.arguments)) return undefined;
  return textOf(node.arguments[0]?.expression);
}

function typeOf(node: unknown): unknown {
  return typeof node === "object" && node !== null && "type" in node ? node.type : undefined;
}

function textOf(node: unknown): string | undefined {
  if (typeOf(node) !== "StringLiteral") return undefined;
  if (typeof node !== "object" || node === null || !("value" in node)) return undefined;
  return String(node.value);
}
