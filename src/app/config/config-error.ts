/** Where a value stands in the document: keys and, for array elements, indexes. */
export type ValuePath = readonly (string | number)[];

/** The configuration can't be read or used; the message says why, for the operator. */
export class ConfigError extends Error {}

/**
 * The document is no TOML, or holds a value that its key can't take.
 *
 * Lines and columns count from 1; a column is a byte of the line.
 */
export class ConfigSyntaxError extends ConfigError {
  readonly line: number;
  readonly column: number;

  constructor(message: string, line: number, column: number) {
    super(message);
    this.line = line;
    this.column = column;
  }
}

/** A value of the wrong type; `path` leads to it where the operator is to be shown the place. */
export class ConfigValueError extends ConfigError {
  readonly path: ValuePath | undefined;

  constructor(message: string, path?: ValuePath) {
    super(message);
    this.path = path;
  }
}
