import { readFileSync } from "node:fs";

/** What linguist's samples of one language are made of. */
export interface LanguageFrequencies {
  readonly samples: number;
  /** Tokens of all samples together. */
  readonly tokens: number;
  readonly counts: ReadonlyMap<string, number>;
}

export interface TokenFrequencies {
  /** Samples of all languages. */
  readonly samples: number;
  /** Tokens of all languages. */
  readonly tokens: number;
  /** Only those languages that share an ending, a name or an interpreter with others. */
  readonly languages: ReadonlyMap<string, LanguageFrequencies>;
}

/**
 * Reads what has been counted in linguist's samples, which takes some tens of milliseconds.
 *
 * A line that doesn't begin with a tab names a language (none: all), its samples and its tokens; one
 * that does has a count and the tokens that occur as often, with spaces between.
 */
export function readTokenFrequencies(): TokenFrequencies {
  const languages = new Map<string, LanguageFrequencies>();
  const text = readFileSync(new URL("./token-frequencies.tsv", import.meta.url), "utf8");
  let counts = new Map<string, number>();
  let all = { samples: 0, tokens: 0 };
  for (const line of text.split("\n")) {
    const [name = "", first = "", second = ""] = line.split("\t", 3);
    if (name !== "") {
      counts = new Map();
      languages.set(name, { samples: Number(first), tokens: Number(second), counts });
    } else if (languages.size === 0) all = { samples: Number(first), tokens: Number(second) };
    else for (const token of second.split(" ")) counts.set(token, Number(first));
  }
  return { ...all, languages };
}
