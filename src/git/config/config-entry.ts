/** One setting as it stands in a file. */
export interface ConfigEntry {
  /**
   * `section.key` or `section.subsection.key`; all but the subsection in lower case. A binary
   * string: one character for each byte.
   */
  readonly name: string;
  /** A binary string; null for a key without `=`, which means true. */
  readonly value: string | null;
}
