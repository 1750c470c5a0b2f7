import { posix } from "node:path";
import { LOAD_BYTES_MAX, type ObjectDatabase } from "../object/object-database.ts";
import { ObjectNotFoundError } from "../object/object-error.ts";
import type { ObjectType } from "../object/object-type.ts";
import { canonicalMode, encodeTree, isTreeMode, treeEntries } from "../object/tree-object.ts";
import type { Oid } from "../oid/oid.ts";
import { binaryFromBytes, bytesFromBinary } from "../ref/binary-string.ts";
import { checkTree } from "./check-tree.ts";
import { MalformedTreeError, TreeEditError } from "./tree-edit-error.ts";

const TREE_MODE = 0o040000;

/** What an edit says of an entry. */
export interface EntryValue {
  mode: number;
  /** What it names; undefined for a folder that has changed. */
  oid: Oid | undefined;
  /**
   * As the mode had it when the entry was read, whatever became of the mode since then; may be left
   * out for an entry that is added, which then is neither a file nor a folder for later edits.
   */
  type: Exclude<ObjectType, "tag"> | undefined;
}

interface Node extends EntryValue {
  /** A binary string. */
  readonly name: string;
  /** The tree that the children are read from when they are needed. */
  readonly source: Oid | undefined;
  children: Node[] | undefined;
}

export interface AddOptions {
  /** Whether a folder in the entry's place is replaced. Default false. */
  readonly replaceFolder?: boolean;
}

/** Where objects are written to. */
export interface TreeWriter {
  write(type: ObjectType, content: Uint8Array): Promise<Oid>;
}

/**
 * A tree that is changed path by path. Folders are read when a path leads through them, and written
 * when something below them has changed.
 *
 * Paths are binary strings with slashes. What looks strange here is what clients rely on: edits trust
 * their caller as to what an object id names, so `write` may make a tree that git wouldn't have made
 * itself; what git refuses to write fails there.
 */
export class TreeEditor {
  readonly #objects: ObjectDatabase;
  readonly #root: Node;

  /** @param tree what to begin with; nothing at all without it */
  constructor(objects: ObjectDatabase, tree?: Oid) {
    this.#objects = objects;
    this.#root = folder("", tree);
  }

  /** Finds an entry, the tree itself at the path `.`. */
  find(path: string): Readonly<EntryValue> | undefined {
    if (path === "" || path === ".") return this.#root;
    return this.#lookUp(path)?.at(-1);
  }

  /**
   * Adds an entry and the folders that lead to it. A folder in its place is replaced when
   * `replaceFolder` says so.
   *
   * @throws TreeEditError
   */
  add(path: string, entry: EntryValue, options: AddOptions = {}): void {
    const { replaceFolder = false } = options;
    const names = checkPath(path).split("/");
    const last = names.pop() ?? "";
    let parent = this.#root;
    for (const name of names) {
      const child = this.#child(parent, name) ?? this.#addFolder(parent, name);
      parent.oid = undefined;
      parent = child;
    }
    const children = this.#children(parent);
    const index = children.findIndex(({ name }) => name === last);
    const { type } = children[index] ?? {};
    if ((type === "tree" && !replaceFolder) || type === "blob") {
      throw new TreeEditError("entry already exists");
    }
    parent.oid = undefined;
    const added = { ...entry, name: last, source: undefined, children: undefined };
    children.splice(index < 0 ? children.length : index, 1, added);
  }

  /**
   * Changes the values of an entry.
   *
   * @throws TreeEditError
   */
  modify(path: string, change: (entry: EntryValue) => void): void {
    const nodes = this.#lookUp(checkPath(path));
    const entry = nodes?.at(-1);
    if (nodes === undefined || entry === undefined) throw new TreeEditError("entry not found");
    for (const node of nodes.slice(0, -1)) node.oid = undefined;
    change(entry);
  }

  /**
   * Removes an entry, and folders that are empty without it.
   *
   * @throws TreeEditError
   */
  delete(path: string): void {
    const nodes = this.#lookUp(checkPath(path));
    if (nodes === undefined) throw new TreeEditError("entry not found");
    for (const node of nodes.slice(0, -1)) node.oid = undefined;
    for (let depth = nodes.length - 1; depth > 0; depth--) {
      const [parent, node] = nodes.slice(depth - 1);
      if (parent === undefined || node === undefined) return;
      const children = this.#children(parent);
      children.splice(children.indexOf(node), 1);
      if (children.length > 0) return;
    }
  }

  /**
   * Writes the folders that have changed and tells the tree's id.
   *
   * @throws MalformedTreeError
   */
  async write(writer: TreeWriter): Promise<Oid> {
    return this.#write(this.#root, writer);
  }

  async #write(node: Node, writer: TreeWriter): Promise<Oid> {
    if (node.oid !== undefined) return node.oid;
    const children = this.#children(node);
    for (const child of children) {
      if (child.type === "tree" && child.oid === undefined) await this.#write(child, writer);
    }
    const entries = children.toSorted(compareNodes).map(({ mode, name, oid }) => {
      if (oid === undefined) throw new MalformedTreeError();
      return { mode, name, oid };
    });
    checkTree(entries);
    const lines = entries.map((entry) => ({ ...entry, name: bytesFromBinary(entry.name) }));
    node.oid = await writer.write("tree", encodeTree(lines));
    return node.oid;
  }

  /** The tree itself and all entries on the way to a path; undefined when there is none. */
  #lookUp(path: string): Node[] | undefined {
    const nodes = [this.#root];
    let node = this.#root;
    for (const name of path.split("/")) {
      const child = this.#child(node, name);
      if (child === undefined) return undefined;
      nodes.push(child);
      node = child;
    }
    return nodes;
  }

  #child(node: Node, name: string): Node | undefined {
    return this.#children(node).find((child) => child.name === name);
  }

  #addFolder(parent: Node, name: string): Node {
    const added = folder(name);
    this.#children(parent).push(added);
    return added;
  }

  #children(node: Node): Node[] {
    node.children ??= node.source === undefined ? [] : this.#read(node.source);
    return node.children;
  }

  #read(tree: Oid): Node[] {
    const content = this.#objects.read(tree, LOAD_BYTES_MAX)?.content;
    if (content === undefined) throw new ObjectNotFoundError(tree);
    const nodes: Node[] = [];
    for (const { mode, name, oid } of treeEntries(content, this.#objects.format)) {
      nodes.push(readNode(canonicalMode(mode), binaryFromBytes(name), oid));
    }
    return nodes;
  }
}

function folder(name: string, oid?: Oid): Node {
  return { mode: TREE_MODE, name, oid, type: "tree", source: oid, children: undefined };
}

const SUBMODULE_MODE = 0o160000;

function readNode(mode: number, name: string, oid: Oid): Node {
  if (isTreeMode(mode)) return folder(name, oid);
  const type = mode === SUBMODULE_MODE ? "commit" : "blob";
  return { mode, name, oid, type, source: undefined, children: undefined };
}

/** Git's order, in which the type counts that an entry had when it was read. */
function compareNodes(one: Node, other: Node): number {
  const [a, b] = [sortKey(one), sortKey(other)];
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function sortKey({ name, type }: Node): string {
  return type === "tree" ? `${name}/` : name;
}

/** The shortest form of a path that may be changed. */
function checkPath(path: string): string {
  const clean = posix.normalize(path).replace(/(?<=.)\/$/s, "");
  if (clean.startsWith("/")) throw new TreeEditError("path is absolute");
  if (clean.startsWith("..")) throw new TreeEditError("path contains traversal");
  if (clean === ".") throw new TreeEditError("path is empty");
  if (clean === ".git" || clean.startsWith(".git/")) throw new TreeEditError("disallowed path");
  return clean;
}
