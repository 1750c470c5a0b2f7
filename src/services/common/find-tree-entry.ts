import { posix } from "node:path";
import type { ObjectDatabase } from "../../git/object/object-database.ts";
import type { TreeEntry } from "../../git/object/tree-object.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { OpenedRepository } from "./open-repository.ts";
import { readObject, readSmallObject } from "./read-commit.ts";
import { findObject, type RevisionNeeds } from "./resolve-revision.ts";

/** Folders whose place is kept in mind; what is beyond is looked up again. */
const FOLDERS_MAX = 1000;

/**
 * Finds what stands at paths of revisions, for one request: a folder that several paths share is
 * looked up once.
 */
export class TreeEntryFinder {
  readonly #repository: OpenedRepository;
  readonly #needs: RevisionNeeds;
  readonly #signal: AbortSignal;
  readonly #folders = new Map<string, Oid | undefined>();

  constructor(repository: OpenedRepository, needs: RevisionNeeds, signal: AbortSignal) {
    this.#repository = repository;
    this.#needs = needs;
    this.#signal = signal;
  }

  /**
   * Returns undefined when nothing is there, and for paths that aren't in their shortest form.
   *
   * @param revision a binary string, as the path is
   */
  async find(revision: string, path: string): Promise<TreeEntry | undefined> {
    const folder = posix.dirname(path);
    const isShort = !path.startsWith("/") && posix.normalize(path) === path;
    // A NUL is for the lookup to refuse.
    if (!isShort && !folder.includes("\0")) return undefined;
    if (folder.startsWith("../")) return undefined;
    const tree = await this.#findFolder(`${revision}:${folder === "." ? "" : folder}`);
    return tree && this.#findEntry(tree, posix.basename(path));
  }

  async #findFolder(name: string): Promise<Oid | undefined> {
    if (this.#folders.has(name)) return this.#folders.get(name);
    const oid = await findObject(this.#repository, name, this.#needs);
    if (this.#folders.size < FOLDERS_MAX) this.#folders.set(name, oid);
    return oid;
  }

  async #findEntry(tree: Oid, name: string): Promise<TreeEntry | undefined> {
    const { objects } = this.#repository;
    const content = await readTree(objects, tree, this.#signal);
    if (content === undefined) return undefined;
    return objects.trees.findName(content, bytesFromBinary(name));
  }
}

async function readTree(
  objects: ObjectDatabase,
  oid: Oid,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const small = readSmallObject(objects, oid);
  if (small !== undefined) return small.type === "tree" ? small.content : undefined;
  if (objects.header(oid)?.type !== "tree") return undefined;
  return (await readObject(objects, oid, signal))?.content;
}
