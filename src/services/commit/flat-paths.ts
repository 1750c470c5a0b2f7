import { posix } from "node:path";
import type { ListedEntry } from "../../git/object/list-tree.ts";
import { isTreeMode, TreeCursor } from "../../git/object/tree-object.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import type { Revision } from "../../git/revision/revision.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import { quietly, readObject } from "../common/read-commit.ts";
import { findObject, type RevisionNeeds } from "../common/resolve-revision.ts";

/** Folders on the way to a flat path, the first one included. */
const FLAT_FOLDERS_MAX = 10;

/** Finds the first folder on the way down that holds anything but a single folder. */
export class FlatPaths {
  readonly #repository: OpenedRepository;
  readonly #ask: RevisionNeeds;
  readonly #signal: AbortSignal;
  readonly #revision: Revision | false;

  /** @param revision where paths are looked up, if not in the entries' own folders */
  constructor(
    repository: OpenedRepository,
    ask: RevisionNeeds,
    signal: AbortSignal,
    revision: Revision | false,
  ) {
    this.#repository = repository;
    this.#ask = ask;
    this.#signal = signal;
    this.#revision = revision;
  }

  /** The path of that folder; for anything but a folder, its own path. */
  async find({ mode, path, oid }: ListedEntry): Promise<Buffer> {
    if (!isTreeMode(mode)) return path;
    let flat = path;
    let folder = this.#revision === false ? oid : await this.#lookUp(this.#revision, path);
    for (let count = 1; count < FLAT_FOLDERS_MAX && folder !== undefined; count++) {
      const child = await this.#onlyFolder(folder);
      if (child === undefined) break;
      flat = Buffer.concat([flat, SLASH, child.name]);
      folder = child.oid;
    }
    return flat;
  }

  #lookUp(revision: Revision, path: Buffer): Promise<Oid | undefined> {
    const name = binaryFromBytes(path);
    // Git ends over a path that leaves the tree.
    if (posix.normalize(name).startsWith("../")) return Promise.resolve(undefined);
    return findObject(this.#repository, `${revision}:${name}`, this.#ask);
  }

  async #onlyFolder(oid: Oid): Promise<{ readonly name: Buffer; readonly oid: Oid } | undefined> {
    const { objects } = this.#repository;
    if (quietly(() => objects.header(oid))?.type !== "tree") return undefined;
    const tree = await readObject(objects, oid, this.#signal);
    if (tree === undefined) return undefined;
    const cursor = new TreeCursor(tree.content, objects.format);
    if (!cursor.next() || !isTreeMode(cursor.mode)) return undefined;
    const child = { name: cursor.name, oid: cursor.oid };
    return cursor.next() ? undefined : child;
  }
}

const SLASH = Buffer.from("/");
