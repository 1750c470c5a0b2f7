import { contentTokens } from "./content-tokens.ts";
import { readTokenFrequencies, type TokenFrequencies } from "./token-frequencies.ts";

/** Tells which of several languages a content is most likely in, by how often they have its tokens. */
export class LanguageClassifier {
  #frequencies: TokenFrequencies | undefined;

  /**
   * The most likely language; undefined when there is no sample of any.
   *
   * @param content has a character per byte
   */
  mostLikely(candidates: readonly string[], content: string): string | undefined {
    this.#frequencies ??= readTokenFrequencies();
    const all = this.#frequencies;
    const tokens = contentTokens(content);
    const unknown = Math.log(1 / all.tokens);
    let best: string | undefined;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (const candidate of candidates) {
      const language = all.languages.get(candidate);
      if (language === undefined) continue;
      let score = Math.log(language.samples / all.samples);
      for (const token of tokens) {
        const count = language.counts.get(token);
        score += count === undefined ? unknown : Math.log(count / language.tokens);
      }
      if (score <= bestScore) continue;
      best = candidate;
      bestScore = score;
    }
    return best;
  }
}
