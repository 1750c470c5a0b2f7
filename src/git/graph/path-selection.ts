/** The part of a selection that lies in one folder. */
export interface PathNode {
  /** `true` when everything from here on is selected. */
  readonly isWhole: boolean;
  /** `true` when only a folder or submodule by this name is meant. */
  readonly isFolder: boolean;
  /** Names in this folder, as bytes, with what is selected below them. */
  readonly children: readonly { readonly name: Buffer; readonly node: PathNode }[];
}

/** Selected paths beyond which nobody asks. */
const PATHS_MAX = 10_000;

/**
 * Files and folders to which a walk through history is limited, each taken literally.
 *
 * A folder stands for all that is in it.
 */
export class PathSelection {
  readonly root: PathNode;
  /** The paths in git's form, without a slash in the end; an empty one selects everything. */
  readonly paths: readonly Buffer[];

  private constructor(root: PathNode, paths: readonly Buffer[]) {
    this.root = root;
    this.paths = paths;
  }

  /**
   * Makes a selection of paths as a user gives them: `./a//b/` means `a/b`. Returns `undefined` for
   * a path that leads out of the repository, and for no paths at all.
   */
  static parse(paths: readonly Uint8Array[]): PathSelection | undefined {
    if (paths.length === 0 || paths.length > PATHS_MAX) return undefined;
    const root = new Branch();
    const normal: Buffer[] = [];
    for (const path of paths) {
      // As text with one character for each byte, which keeps every byte apart.
      const text = Buffer.from(path).toString("latin1");
      const names = normalize(text);
      if (names === undefined) return undefined;
      root.add(names, names.length > 0 && text.endsWith("/"));
      normal.push(Buffer.from(names.join("/"), "latin1"));
    }
    return new PathSelection(root.freeze(), normal);
  }
}

function normalize(path: string): string[] | undefined {
  if (path.startsWith("/") || path.includes("\0")) return undefined;
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "" || name === ".") continue;
    if (name !== "..") names.push(name);
    else if (names.pop() === undefined) return undefined;
  }
  return names;
}

class Branch {
  readonly #children = new Map<string, Branch>();
  #isFile = false;
  #isFolder = false;

  add(names: readonly string[], isFolder: boolean): void {
    const [name, ...rest] = names;
    if (name === undefined) {
      if (isFolder) this.#isFolder = true;
      else this.#isFile = true;
      return;
    }
    const child = this.#children.get(name) ?? new Branch();
    this.#children.set(name, child);
    child.add(rest, isFolder);
  }

  freeze(): PathNode {
    return {
      isWhole: this.#isFile || this.#isFolder,
      isFolder: this.#isFolder && !this.#isFile,
      children: [...this.#children].map(([name, child]) => ({
        name: Buffer.from(name, "latin1"),
        node: child.freeze(),
      })),
    };
  }
}
