import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { bytesFromBinary } from "../ref/binary-string.ts";
import { DiffFormatError } from "./diff-error.ts";
import { NulFields } from "./nul-fields.ts";

/** How many lines of one file have changed; none when it is binary. Paths are binary strings. */
export interface NumStat {
  readonly path: string;
  /** Empty unless the file was renamed or copied. */
  readonly oldPath: string;
  readonly additions: number;
  readonly deletions: number;
}

const INT32_MAX = 2 ** 31 - 1;

/** Reads what `git diff --numstat -z` prints. Throws DiffFormatError, DiffTooLargeError. */
export class NumStatReader {
  readonly #fields = new NulFields();
  #begun: NumStat | undefined;
  #oldPath: string | undefined;

  /** Takes what git printed next, and yields the files that are complete now. */
  *push(chunk: Buffer): Generator<NumStat, void, undefined> {
    for (const field of this.#fields.push(chunk)) {
      const stat = this.#read(field);
      if (stat !== undefined) yield stat;
    }
  }

  #read(field: string): NumStat | undefined {
    const begun = this.#begun;
    if (begun === undefined) {
      const stat = parseNumStat(field);
      if (stat.path !== "") return stat;
      // Two paths follow in fields of their own.
      this.#begun = stat;
      return undefined;
    }
    if (this.#oldPath === undefined) {
      this.#oldPath = field;
      return undefined;
    }
    const oldPath = this.#oldPath;
    this.#begun = undefined;
    this.#oldPath = undefined;
    return { ...begun, oldPath, path: field };
  }
}

function parseNumStat(field: string): NumStat {
  const [, additions, deletions, path = ""] = /^([^\t]*)\t([^\t]*)\t([\s\S]*)$/.exec(field) ?? [];
  if (additions === undefined || deletions === undefined) {
    throw new DiffFormatError(`error parsing ${quoteBytes(bytesFromBinary(`${field}\0`))}`);
  }
  return {
    path,
    oldPath: "",
    additions: parseCount(additions),
    deletions: parseCount(deletions),
  };
}

function parseCount(text: string): number {
  if (text === "-") return 0;
  const count = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (count <= INT32_MAX) return count;
  const problem = Number.isNaN(count) ? "invalid syntax" : "value out of range";
  const quoted = quoteBytes(bytesFromBinary(text));
  throw new DiffFormatError(
    `error converting diff num stat: strconv.ParseInt: parsing ${quoted}: ${problem}`,
  );
}
