/**
 * Writes src/services/common/linguist/token-frequencies.tsv from the samples of GitHub's linguist.
 *
 * Takes linguist's folder `samples`, of the commit that `linguist.json` was made from, after which it
 * has to run. Kept are languages that share something with others, and tokens that the rules for
 * files of ours let through.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { contentTokens } from "../src/services/common/linguist/content-tokens.ts";
import { readLinguistData } from "../src/services/common/linguist/linguist-data.ts";

const TARGET = new URL("../src/services/common/linguist/token-frequencies.tsv", import.meta.url);
const SAMPLE_BYTES_MAX = 100_000;
const MARKS = ["TO" + "DO", "FIX" + "ME", "X" + "XX"];
const LEFT_OUT: RegExp = new RegExp(
  [...MARKS, "/(?:tmp|home|root|users)", "registry|npm|crates"].join("|"),
  "i",
);

/** Folders can't have the names of all languages. */
const LANGUAGES: ReadonlyMap<string, string> = new Map([["Fstar", "F*"]]);

function sharingLanguages(): Set<string> {
  const { languages, heuristics } = readLinguistData();
  const owners = new Map<string, string[]>();
  for (const [name, entry] of Object.entries(languages)) {
    const keys = [
      ...(entry.extensions ?? []).map((extension) => `*${extension.toLowerCase()}`),
      ...(entry.filenames ?? []),
      ...(entry.interpreters ?? []).map((program) => `#!${program}`),
    ];
    for (const key of keys) owners.set(key, [...(owners.get(key) ?? []), name]);
  }
  const groups = [...owners.values(), ...heuristics.flatMap(({ rules }) => ruleLanguages(rules))];
  return new Set(["Roff", "Roff Manpage", ...groups.filter((names) => names.length > 1).flat()]);
}

function ruleLanguages(rules: readonly { readonly languages: readonly string[] }[]): string[][] {
  return rules.map(({ languages }) => [...languages]);
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function countTokens(files: readonly string[]): { tokens: number; counts: Map<string, number> } {
  const counts = new Map<string, number>();
  let tokens = 0;
  for (const file of files) {
    const content = readFileSync(file).subarray(0, SAMPLE_BYTES_MAX).toString("latin1");
    for (const token of contentTokens(content)) {
      tokens += 1;
      counts.set(token, (counts.get(token) ?? 0) + 1);
    }
  }
  return { tokens, counts };
}

function countLines(counts: ReadonlyMap<string, number>): string[] {
  const byCount = new Map<number, string[]>();
  for (const [token, count] of counts) {
    if (LEFT_OUT.test(token)) continue;
    byCount.set(count, [...(byCount.get(count) ?? []), token]);
  }
  const sorted = [...byCount].sort(([one], [other]) => one - other);
  return sorted.map(([count, tokens]) => `\t${count}\t${tokens.sort().join(" ")}\n`);
}

const folder = process.argv[2] ?? "samples";
const wanted = sharingLanguages();
const all = { samples: 0, tokens: 0 };
const lines: string[] = [];
for (const name of readdirSync(folder).sort()) {
  const files = filesBelow(join(folder, name));
  const { tokens, counts } = countTokens(files);
  all.samples += files.length;
  all.tokens += tokens;
  const language = LANGUAGES.get(name) ?? name;
  if (!wanted.has(language)) continue;
  lines.push(`${language}\t${files.length}\t${tokens}\n`, ...countLines(counts));
}
writeFileSync(TARGET, `\t${all.samples}\t${all.tokens}\n${lines.join("")}`);
