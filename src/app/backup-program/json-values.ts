/** Longer values than any request are refused rather than kept. */
const VALUE_BYTES_MAX = 1 << 20;

/**
 * Reads JSON values that follow each other, with or without space between them.
 *
 * @throws SyntaxError for what isn't JSON; its message is the reference's where that is common
 */
export async function* readJsonValues(
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<unknown, void, undefined> {
  const decoder = new TextDecoder();
  const splitter = new ValueSplitter();
  for await (const piece of pieces) {
    for (const text of splitter.add(decoder.decode(piece, { stream: true }))) yield parse(text);
  }
  for (const text of splitter.add(`${decoder.decode()}\n`)) yield parse(text);
  if (splitter.hasRest) throw new SyntaxError("unexpected EOF");
}

function parse(text: string): unknown {
  const [first = ""] = text;
  if (!/["[{\-0-9tfn]/.test(first)) {
    throw new SyntaxError(`invalid character '${first}' looking for beginning of value`);
  }
  const value: unknown = JSON.parse(text);
  return value;
}

/** Finds out where one value ends. */
class ValueSplitter {
  #rest = "";
  /** How much of the rest has been looked at. */
  #position = 0;
  #depth = 0;
  #inString = false;

  get hasRest(): boolean {
    return this.#rest !== "";
  }

  /** Takes more text; gives the values that are complete with it. */
  *add(text: string): Generator<string, void, undefined> {
    this.#rest += text;
    this.#skipSpace();
    for (; this.#position < this.#rest.length; this.#position++) {
      if (!this.#endsAt(this.#rest.charAt(this.#position))) continue;
      yield this.#rest.slice(0, this.#position);
      this.#rest = this.#rest.slice(this.#position);
      this.#position = 0;
      this.#skipSpace();
      this.#position--;
    }
    if (this.#rest.length > VALUE_BYTES_MAX) throw new SyntaxError("value is too long");
  }

  #skipSpace(): void {
    if (this.#position === 0) this.#rest = this.#rest.trimStart();
  }

  /** Whether a value is complete before this character, which is looked at now. */
  #endsAt(character: string): boolean {
    if (this.#inString) {
      if (character === "\\") this.#position++;
      else if (character === '"') this.#inString = false;
      return false;
    }
    if (this.#depth === 0 && this.#position > 0 && this.#isOver(character)) return true;
    if (character === '"') this.#inString = true;
    else if (character === "{" || character === "[") this.#depth++;
    else if (character === "}" || character === "]") this.#depth--;
    return false;
  }

  /** Behind a bracket or a string anything ends the value, behind a word only what isn't one. */
  #isOver(character: string): boolean {
    return /["\]}]$/.test(this.#rest.slice(0, this.#position)) || /[\s"[\]{},:]/.test(character);
  }
}
