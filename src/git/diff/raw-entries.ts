import { type ObjectFormat, OID_HEX_LENGTH, zeroOid } from "../oid/oid.ts";
import { DiffFormatError } from "./diff-error.ts";
import { FileDiff, type RawChange } from "./file-diff.ts";
import { unescapePath, withoutQuotes } from "./quoted-path.ts";

/** The files of a difference in the order in which their patches, if any, follow. */
export interface DiffEntries {
  /** The next file, without its patch. Throws a DiffFormatError. */
  next(): FileDiff | undefined;
}

/**
 * The lines of `git diff --raw` without abbreviations, see "Raw output format" in git-diff(1).
 *
 * A change of a file's type comes as its removal and its creation.
 */
export class RawEntries implements DiffEntries {
  readonly #lines: Buffer;
  readonly #pattern: RegExp;
  readonly #zeroId: string;
  #offset = 0;
  #created: string | undefined;

  /** @param lines each ends in a newline */
  constructor(lines: Buffer, format: ObjectFormat) {
    const id = `([0-9A-Fa-f]{${OID_HEX_LENGTH[format]}})`;
    this.#lines = lines;
    this.#pattern = new RegExp(
      `^:(\\d+) (\\d+) ${id} ${id} ([ADTUXMRC])\\d*\\t([^\\n]*?)(?:\\t([^\\n]*?))?(?=\\n|$)`,
    );
    this.#zeroId = zeroOid(format);
  }

  next(): FileDiff | undefined {
    const line = this.#nextLine();
    if (line === undefined) return undefined;
    const [, oldMode = "", newMode = "", fromId = "", toId = "", status, from = "", to = ""] =
      this.#pattern.exec(line) ?? [];
    if (status === undefined) throw new DiffFormatError("raw line regexp mismatch");
    const fromPath = unescapePath(withoutQuotes(from));
    const isPair = status === "C" || status === "R";
    const change = {
      oldMode: parseMode("old", oldMode),
      newMode: parseMode("new", newMode),
      fromId,
      toId,
      fromPath,
      toPath: isPair ? unescapePath(withoutQuotes(to)) : fromPath,
    };
    return new FileDiff(status === "T" ? this.#removal(change) : change);
  }

  #removal(change: RawChange): RawChange {
    const { newMode, toId, fromPath } = change;
    // The path isn't quoted again, so a strange one comes out changed. Clients know it that way.
    this.#created = `:0 ${newMode.toString(8)} ${this.#zeroId} ${toId} A\t${fromPath}`;
    return { ...change, newMode: 0, toId: this.#zeroId };
  }

  #nextLine(): string | undefined {
    const created = this.#created;
    this.#created = undefined;
    if (created !== undefined || this.#offset >= this.#lines.length) return created;
    const end = this.#lines.indexOf(0x0a, this.#offset);
    const line = this.#lines.toString("latin1", this.#offset, end);
    this.#offset = end + 1;
    return line;
  }
}

function parseMode(which: string, digits: string): number {
  const mode = /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
  if (Number.isSafeInteger(mode)) return mode;
  const problem = `strconv.ParseInt: parsing "${digits}": invalid syntax`;
  throw new DiffFormatError(`raw ${which} mode: ${problem}`);
}
