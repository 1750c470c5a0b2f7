import { DiffTooLargeError } from "./diff-error.ts";

/** The longest field: a path, mostly. */
const FIELD_BYTES_MAX = 4 * 1024 * 1024;

/** Cuts what git prints with `-z` into its fields. A field without its end is no field. */
export class NulFields {
  #rest = "";

  /** Takes what git printed next; returns the fields that are complete now, as binary strings. */
  push(chunk: Buffer): string[] {
    const fields = (this.#rest + chunk.toString("latin1")).split("\0");
    this.#rest = fields.pop() ?? "";
    if (this.#rest.length > FIELD_BYTES_MAX) throw new DiffTooLargeError(FIELD_BYTES_MAX);
    return fields;
  }
}
