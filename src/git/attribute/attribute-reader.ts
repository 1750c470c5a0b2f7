import { existsSync, readFileSync } from "node:fs";
import type { ObjectDatabase } from "../object/object-database.ts";
import type { Oid } from "../oid/oid.ts";
import { bytesFromBinary } from "../ref/binary-string.ts";
import {
  type AttributeRule,
  type AttributeRules,
  type AttributeSetting,
  type AttributeState,
  parseAttributeRules,
} from "./attribute-rules.ts";
import type { ParsedAttributes } from "./parsed-attributes.ts";

/** Larger files of attributes aren't read here. */
const FILE_BYTES_MAX = 1024 * 1024;

const FILE_NAME = ".gitattributes";

/** What every repository starts with. */
const BUILT_IN: AttributeRules = parseAttributeRules("", "[attr]binary -diff -merge -text", true);

type Macros = ReadonlyMap<string, readonly AttributeSetting[]>;

/** Where attributes are read from. */
export interface AttributeSources {
  readonly objects: ObjectDatabase;
  /** The tree with files of attributes; none are read without. */
  readonly tree: Oid | undefined;
  /** The repository's own file, `info/attributes`, which wins; it may be missing. */
  readonly infoPath: string;
  /** Spares parsing what another request has parsed. */
  readonly parsed: ParsedAttributes;
}

/**
 * Tells attributes of paths, as git does in a bare repository: from its own file, from those in a
 * tree, and the macro `binary`.
 *
 * For the time of a request: each file is read once. Throws what reading objects throws, and the
 * file system's errors other than for a missing file.
 */
export class AttributeReader {
  readonly #sources: AttributeSources;
  /** By folder, with a slash at its end; `undefined` where there are no attributes. */
  readonly #files = new Map<string, AttributeRules | undefined>();
  /** By attribute, those rules of a file that may say something of it. */
  readonly #selected = new Map<string, Map<AttributeRules, readonly AttributeRule[]>>();
  #info: AttributeRules | undefined;
  #macros: Macros | undefined;

  constructor(sources: AttributeSources) {
    this.#sources = sources;
  }

  /** The state of an attribute of a file; `undefined` when nothing is said. */
  stateOf(path: string, name: string): AttributeState | undefined {
    const files = this.#filesFor(path);
    const macros = this.#allMacros();
    const states = new Map<string, AttributeState>();
    for (const file of files) {
      const rules = this.#rulesAbout(name, file);
      for (let i = rules.length - 1; i >= 0 && !states.has(name); i--) {
        const rule = rules[i];
        if (rule?.matches(path) === true) fill(states, rule.settings, macros);
      }
    }
    return states.get(name);
  }

  /** The files that speak of a path, beginning with those that win. */
  #filesFor(path: string): AttributeRules[] {
    const files: AttributeRules[] = [];
    const info = this.#readInfo();
    if (info.rules.length > 0) files.push(info);
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const file = this.#readFile(path.slice(0, end + 1));
      if (file !== undefined) files.push(file);
    }
    const root = this.#readFile("");
    if (root !== undefined) files.push(root);
    return files;
  }

  #rulesAbout(name: string, file: AttributeRules): readonly AttributeRule[] {
    const selected = this.#selected.get(name) ?? new Map<AttributeRules, AttributeRule[]>();
    this.#selected.set(name, selected);
    const known = selected.get(file);
    if (known !== undefined) return known;
    const names = namesAbout(name, this.#allMacros());
    const rules = file.rules.filter(({ settings }) =>
      settings.some((each) => names.has(each.name)),
    );
    selected.set(file, rules);
    return rules;
  }

  #allMacros(): Macros {
    this.#macros ??= new Map([
      ...BUILT_IN.macros,
      ...(this.#readFile("")?.macros ?? []),
      ...this.#readInfo().macros,
    ]);
    return this.#macros;
  }

  #readInfo(): AttributeRules {
    this.#info ??= parseAttributeRules("", readInfoFile(this.#sources.infoPath), true);
    return this.#info;
  }

  #readFile(folder: string): AttributeRules | undefined {
    if (this.#files.has(folder)) return this.#files.get(folder);
    const { objects, tree, parsed } = this.#sources;
    const file = tree && readFromTree(objects, tree, folder + FILE_NAME);
    const rules = file && parsed.rulesOf(folder, file);
    this.#files.set(folder, rules);
    return rules;
  }
}

/** An attribute, and the macros that may lead to it. */
function namesAbout(name: string, macros: Macros): ReadonlySet<string> {
  const names = new Set([name]);
  for (let size = 0; size < names.size; ) {
    size = names.size;
    for (const [macro, settings] of macros) {
      if (settings.some((each) => names.has(each.name))) names.add(macro);
    }
  }
  return names;
}

/** Takes what isn't known yet; of the same line, what comes later wins. */
function fill(
  states: Map<string, AttributeState>,
  settings: readonly AttributeSetting[],
  macros: Macros,
): void {
  for (let i = settings.length - 1; i >= 0; i--) {
    const setting = settings[i];
    if (setting === undefined || states.has(setting.name)) continue;
    states.set(setting.name, setting.state);
    const macro = setting.state === true ? macros.get(setting.name) : undefined;
    if (macro !== undefined) fill(states, macro, macros);
  }
}

function readInfoFile(path: string): string {
  return existsSync(path) ? readFileSync(path, "latin1") : "";
}

function readFromTree(objects: ObjectDatabase, root: Oid, path: string): Buffer | undefined {
  const bytes = bytesFromBinary(path);
  let oid = root;
  for (let start = 0; start < bytes.length; ) {
    const tree = objects.read(oid);
    if (tree?.type !== "tree") return undefined;
    const match = objects.trees.find(tree.content, bytes, start);
    if (match === undefined) return undefined;
    oid = match.entry.oid;
    start = match.rest;
  }
  const file = objects.read(oid, FILE_BYTES_MAX);
  return file?.type === "blob" ? file.content : undefined;
}
