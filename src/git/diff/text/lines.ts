/** A text cut into lines. A line includes its newline; the last one may have none. */
export interface Lines {
  readonly content: Buffer;
  readonly count: number;
  /** Where each line begins, and the end of the content as one more entry. */
  readonly starts: Int32Array;
  /**
   * For each line a number that equal lines of both texts share; -1 for lines that are alike at
   * both ends of the texts and equal none of the lines in between.
   */
  readonly classes: Int32Array;
}
