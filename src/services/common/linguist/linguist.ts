import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { RE2JS } from "re2js";
import { extensionOf } from "../generated-file.ts";
import { firstLines } from "../text-lines.ts";
import { findInterpreter } from "./interpreter.ts";
import { LanguageClassifier } from "./language-classifier.ts";
import { linearPattern } from "./linear-pattern.ts";
import {
  type HeuristicRule,
  type LanguageEntry,
  type LinguistData,
  readLinguistData,
} from "./linguist-data.ts";
import { findModeline } from "./modeline.ts";

/** Bytes in which a NUL makes a file binary. */
const BINARY_BYTES = 8000;

const MANUAL_PAGE = /\.(?:[1-9](?:[a-z_]+[a-z_0-9]*)?|0p|n|man|mdoc)(?:\.in)?$/;

/** What linguist knows of languages and files. Contents have a character per byte. */
export class Linguist {
  readonly #data: LinguistData;
  readonly #aliases = new Map<string, string>();
  readonly #byExtension = new Map<string, string[]>();
  readonly #byFilename = new Map<string, string[]>();
  readonly #byInterpreter = new Map<string, string[]>();
  readonly #heuristics = new Map<string, readonly HeuristicRule[]>();
  readonly #classifier = new LanguageClassifier();
  readonly #patterns = new Map<string, RE2JS | undefined>();

  constructor(data: LinguistData = readLinguistData()) {
    this.#data = data;
    for (const [name, entry] of Object.entries(data.languages)) this.#index(name, entry);
    for (const { extensions, rules } of data.heuristics) {
      for (const extension of extensions) this.#heuristics.set(extension.toLowerCase(), rules);
    }
  }

  /** The language that an alias or a name, in letters of either case, stands for. */
  languageOf(alias: string): string | undefined {
    return this.#aliases.get(aliasKey(alias));
  }

  /** What is known of a language, given its full name. */
  entry(language: string): LanguageEntry | undefined {
    const { languages } = this.#data;
    return Object.hasOwn(languages, language) ? languages[language] : undefined;
  }

  /** The colour as `#rrggbb`: for languages without one, some colour that is always the same. */
  colorOf(language: string): string {
    const entry = this.entry(language);
    const color = entry?.color ?? this.entry(entry?.group ?? "")?.color;
    if (color !== undefined && color !== "#cccccc") return color;
    return `#${createHash("sha256").update(language).digest("hex").slice(0, 6)}`;
  }

  /** Whether a path is one of what others wrote. */
  isVendored(path: string): boolean {
    return this.#data.vendor.some((pattern) => this.#matches(pattern, path) === true);
  }

  isDocumentation(path: string): boolean {
    return this.#data.documentation.some((pattern) => this.#matches(pattern, path) === true);
  }

  /** The language of a file, judged by its path and the start of its content. */
  detect(path: string, content: string): string | undefined {
    if (content.slice(0, BINARY_BYTES).includes("\0")) return undefined;
    let languages: readonly string[] = [];
    for (const strategy of this.#strategies(path, content)) {
      const found = strategy(languages);
      if (found.length === 1) return found[0];
      if (found.length > 0) languages = found;
    }
    if (languages.length === 0) return undefined;
    return this.#classifier.mostLikely(languages, content) ?? languages[0];
  }

  *#strategies(path: string, content: string): Generator<Strategy, void, undefined> {
    yield () => {
      const alias = findModeline(content);
      const language = alias && this.languageOf(alias);
      return language ? [language] : [];
    };
    yield () => this.#byFilename.get(posix.basename(path)) ?? [];
    yield () => this.#byInterpreter.get(findInterpreter(content) ?? "") ?? [];
    const lower = path.toLowerCase();
    yield () => this.#languagesOfEnding(lower);
    yield (before) => {
      const isXml =
        before.length === 0 && firstLines(content, 2).join("\n").includes("xml version=");
      return isXml ? ["XML"] : before;
    };
    yield () => (MANUAL_PAGE.test(lower) ? ["Roff Manpage", "Roff"] : []);
    yield () => {
      const rules = this.#heuristics.get(extensionOf(lower)) ?? [];
      return rules.find((rule) => this.#applies(rule, content))?.languages ?? [];
    };
  }

  /** The longest ending that is known counts. */
  #languagesOfEnding(path: string): readonly string[] {
    for (let dot = path.indexOf("."); dot >= 0; dot = path.indexOf(".", dot + 1)) {
      const languages = this.#byExtension.get(path.slice(dot));
      if (languages !== undefined) return languages;
    }
    return [];
  }

  /** Conditions that can't be checked are passed over, unless there is no other. */
  #applies({ all }: HeuristicRule, content: string): boolean {
    if (all.length === 1 && this.#matches(all[0]?.pattern ?? "", content) === undefined) {
      return all[0]?.not === true;
    }
    return all.every(({ pattern, not = false }) => {
      const matches = this.#matches(pattern, content);
      return matches === undefined || matches !== not;
    });
  }

  #matches(pattern: string, text: string): boolean | undefined {
    if (!this.#patterns.has(pattern)) this.#patterns.set(pattern, linearPattern(pattern));
    return this.#patterns.get(pattern)?.matcher(text).find();
  }

  #index(name: string, { aliases = [], extensions = [], filenames = [], ...rest }: LanguageEntry) {
    for (const alias of [name, ...aliases]) this.#aliases.set(aliasKey(alias), name);
    for (const extension of extensions) addTo(this.#byExtension, extension.toLowerCase(), name);
    for (const filename of filenames) addTo(this.#byFilename, filename, name);
    for (const program of rest.interpreters ?? []) addTo(this.#byInterpreter, program, name);
  }
}

/** Finds languages, given those that were found before; none leaves it at these. */
type Strategy = (before: readonly string[]) => readonly string[];

function aliasKey(alias: string): string {
  return (alias.split(",")[0] ?? "").toLowerCase().replaceAll(" ", "_");
}

function addTo(map: Map<string, string[]>, key: string, name: string): void {
  const names = map.get(key);
  if (names === undefined) map.set(key, [name]);
  else names.push(name);
}
