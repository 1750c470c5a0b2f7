import { type AttributeRules, parseAttributeRules } from "./attribute-rules.ts";

/** Files of attributes that were parsed, for as long as their blobs are in memory. */
export class ParsedAttributes {
  readonly #files = new WeakMap<Buffer, ParsedFile>();

  /** The rules of a blob that stands in a folder, see `parseAttributeRules`. */
  rulesOf(folder: string, blob: Buffer): AttributeRules {
    const known = this.#files.get(blob);
    if (known?.folder === folder) return known.rules;
    const rules = parseAttributeRules(folder, textOf(blob), folder === "");
    this.#files.set(blob, { folder, rules });
    return rules;
  }
}

/** The same blob seldom stands in several folders. */
interface ParsedFile {
  readonly folder: string;
  readonly rules: AttributeRules;
}

/** Git reads a blob as far as its first NUL. */
function textOf(blob: Buffer): string {
  const end = blob.indexOf(0);
  return blob.toString("latin1", 0, end < 0 ? blob.length : end);
}
