import { readFileSync } from "node:fs";

/** A language as linguist describes it. Names of files and endings are as they stand there. */
export interface LanguageEntry {
  readonly type: string;
  readonly id: number;
  readonly color?: string;
  /** The language whose colour it has without one of its own. */
  readonly group?: string;
  readonly aliases?: readonly string[];
  readonly extensions?: readonly string[];
  readonly filenames?: readonly string[];
  readonly interpreters?: readonly string[];
}

/** A rule that tells languages with the same ending apart: all conditions have to hold. */
export interface HeuristicRule {
  readonly languages: readonly string[];
  readonly all: readonly { readonly pattern: string; readonly not?: boolean }[];
}

export interface LinguistData {
  readonly languages: Readonly<Record<string, LanguageEntry>>;
  readonly heuristics: readonly {
    readonly extensions: readonly string[];
    readonly rules: readonly HeuristicRule[];
  }[];
  /** Expressions for the paths of what others wrote. */
  readonly vendor: readonly string[];
  readonly documentation: readonly string[];
}

/** Reads linguist's data, which takes some milliseconds. */
export function readLinguistData(): LinguistData {
  const data: LinguistData = JSON.parse(
    readFileSync(new URL("./linguist.json", import.meta.url), "utf8"),
  );
  return data;
}
