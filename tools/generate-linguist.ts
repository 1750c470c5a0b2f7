/**
 * Writes src/services/common/linguist/linguist.json from the data of GitHub's linguist.
 *
 * Takes a folder with `languages.json`, `heuristics.json`, `vendor.json` and `documentation.json`:
 * the files of the same names in linguist's `lib/linguist`, made JSON by any tool that reads YAML.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface Language {
  readonly type: string;
  readonly language_id: number;
  readonly color?: string;
  readonly group?: string;
  readonly aliases?: readonly string[];
  readonly extensions?: readonly string[];
  readonly filenames?: readonly string[];
  readonly interpreters?: readonly string[];
}

interface Rule {
  readonly language?: string | readonly string[];
  readonly pattern?: string | readonly string[];
  readonly negative_pattern?: string | readonly string[];
  readonly named_pattern?: string;
  readonly and?: readonly Rule[];
}

interface Heuristics {
  readonly disambiguations: readonly {
    readonly extensions: readonly string[];
    readonly rules: readonly Rule[];
  }[];
  readonly named_patterns: Readonly<Record<string, string | readonly string[]>>;
}

const TARGET = new URL("../src/services/common/linguist/linguist.json", import.meta.url);
const folder = process.argv[2] ?? ".";

function read<T>(name: string): T {
  const value: T = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
  return value;
}

const heuristics = read<Heuristics>("heuristics");

function language({ type, language_id: id, ...rest }: Language) {
  const { color, group, aliases, extensions, filenames, interpreters } = rest;
  return { type, id, color, group, aliases, extensions, filenames, interpreters };
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === "string" ? [value] : value;
}

/** What has to match and what must not: one expression for each. */
function conditions(rule: Rule): { readonly pattern: string; readonly not?: true }[] {
  const named = rule.named_pattern && heuristics.named_patterns[rule.named_pattern];
  const patterns = [...listOf(rule.pattern), ...listOf(named)];
  const unwanted = listOf(rule.negative_pattern);
  return [
    ...(patterns.length > 0 ? [{ pattern: patterns.join("|") }] : []),
    ...unwanted.map((pattern) => ({ pattern, not: true as const })),
    ...(rule.and ?? []).flatMap(conditions),
  ];
}

const data = {
  languages: Object.fromEntries(
    Object.entries(read<Record<string, Language>>("languages")).map(([name, entry]) => [
      name,
      language(entry),
    ]),
  ),
  heuristics: heuristics.disambiguations.map(({ extensions, rules }) => ({
    extensions,
    rules: rules.map((rule) => ({ languages: listOf(rule.language), all: conditions(rule) })),
  })),
  vendor: read<readonly string[]>("vendor"),
  documentation: read<readonly string[]>("documentation"),
};
writeFileSync(TARGET, `${JSON.stringify(data)}\n`);
