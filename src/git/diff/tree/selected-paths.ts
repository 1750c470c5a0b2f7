import { binaryFromBytes } from "../../ref/binary-string.ts";

/** More paths aren't matched here. */
const PATHS_MAX = 1000;

/** What git would take for a pattern or put into another form. */
const SPECIAL = /^(?:[:/]|$)|[*?[\\]|\/$|(?:^|\/)\.{0,2}(?:\/|$)/;

/** Files and folders that a difference is limited to. */
export class SelectedPaths {
  readonly #paths: readonly string[];

  private constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  /** `undefined` when one of the paths isn't just the name of a file or folder. */
  static parse(paths: readonly Uint8Array[]): SelectedPaths | undefined {
    if (paths.length > PATHS_MAX) return undefined;
    const names = paths.map(binaryFromBytes);
    return names.some((name) => SPECIAL.test(name) || name.includes("\0"))
      ? undefined
      : new SelectedPaths(names);
  }

  /** Whether a file is selected, or anything in a folder may be. */
  selects(path: string, isFolder: boolean): boolean {
    return this.#paths.some(
      (selected) =>
        path === selected ||
        path.startsWith(`${selected}/`) ||
        (isFolder && selected.startsWith(`${path}/`)),
    );
  }
}
