import * as fs from "node:fs";
import { type ObjectFormat, zeroOid } from "../oid/oid.ts";
import { parseLooseRefContent } from "./loose-ref-content.ts";
import { parseRefName, type RefName } from "./ref-name.ts";
import { refPath } from "./ref-path.ts";
import type { StoredRef } from "./ref-reader.ts";
import { CorruptRefStoreError, UnreadableRefStoreError } from "./ref-store-error.ts";
import { isRootRef, isSafeRefName } from "./special-ref-name.ts";

/**
 * What lies at a reference's path: the reference; nothing, or a directory, so that it may be packed;
 * or something that makes git give up, such as a file in the place of a directory.
 */
export type LooseRef = StoredRef | "absent" | "directory" | "obstructed";

/** A file in the place of a reference, which may have a name that git refuses. */
export type LooseEntry = StoredRef | { readonly kind: "badly-named"; readonly name: string };

interface Directory {
  /** Ends with a slash. */
  readonly name: string | undefined;
  /** How many symbolic links lead to it. */
  readonly links: number;
}

/** Nothing that git reads as a reference is longer, except for lists like FETCH_HEAD. */
const CONTENT_BYTES_MAX = 16_384;

/** Most references fit, the longest names don't. */
const CONTENT_BYTES_USUAL = 512;

/** Directories that are symbolic links are entered this many deep: they may lead in circles. */
const LINK_DEPTH_MAX = 5;

/** How often a file that changes its type while it is read is tried again, as in git. */
const ATTEMPTS_MAX = 3;

/** References stored as one file each below the repository's directory. */
export class LooseRefs {
  readonly #directory: string;
  readonly #format: ObjectFormat;

  /** `directory` is the repository's. */
  constructor(directory: string, format: ObjectFormat) {
    this.#directory = directory;
    this.#format = format;
  }

  /** Reads the reference stored as a file by this name. */
  read(name: RefName): LooseRef {
    const path = refPath(this.#directory, name);
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      try {
        return this.#readOnce(name, path);
      } catch (error) {
        const code = errorCode(error);
        if (code === "ENOENT" || code === "EINVAL" || code === "EISDIR") continue;
        if (code === "ENOTDIR") return "obstructed";
        if (code === "ENAMETOOLONG" || code === "ELOOP") return { kind: "broken", name };
        throw new UnreadableRefStoreError(String(path), error);
      }
    }
    return "obstructed";
  }

  /**
   * Reads all references below `refs/` whose names start with `prefix`, in no order.
   *
   * Only directories that can hold such names are entered.
   */
  list(prefix: string): LooseEntry[] {
    const entries: LooseEntry[] = [];
    const pending: Directory[] = [{ name: topDirectory(prefix), links: 0 }];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (next.name !== undefined)
        this.#listDirectory(next.name, next.links, prefix, entries, pending);
    }
    return entries;
  }

  /** Reads HEAD and the other references beside `refs/`, in no order. */
  listRootRefs(): LooseEntry[] {
    const entries: LooseEntry[] = [];
    for (const child of this.#readDirectory("")) {
      const name = child.name.toString("latin1");
      if (isRootRef(name) && this.#entryType(name, child) === "file") this.#add(entries, name);
    }
    return entries;
  }

  #listDirectory(
    directory: string,
    parentLinks: number,
    prefix: string,
    entries: LooseEntry[],
    pending: Directory[],
  ): void {
    for (const child of this.#readDirectory(directory)) {
      const name = directory + child.name.toString("latin1");
      if (!name.startsWith(prefix)) continue;
      const type = this.#entryType(name, child);
      const links = parentLinks + Number(child.isSymbolicLink());
      if (type === "file") this.#add(entries, name);
      else if (type === "directory" && links <= LINK_DEPTH_MAX) {
        pending.push({ name: `${name}/`, links });
      }
    }
  }

  #add(entries: LooseEntry[], name: string): void {
    const valid = parseRefName(name, { oneLevel: true });
    if (valid === undefined) {
      if (!isSafeRefName(name)) throw new CorruptRefStoreError("loose refname is dangerous");
      entries.push({ kind: "badly-named", name });
      return;
    }
    const ref = this.read(valid);
    // What has vanished since the directory was read has been deleted or packed.
    if (typeof ref === "string") return;
    const isNull = ref.kind === "direct" && ref.oid === zeroOid(this.#format);
    entries.push(isNull ? { kind: "broken", name: valid } : ref);
  }

  #readOnce(name: RefName, path: string | Buffer): LooseRef {
    const stats = fs.lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return "absent";
    if (stats.isDirectory()) return "directory";
    const link = stats.isSymbolicLink() ? linkTarget(path) : undefined;
    if (link !== undefined) return { kind: "symbolic", name, target: link };
    const content = parseLooseRefContent(readContent(path), this.#format);
    if (content === undefined) return { kind: "broken", name };
    if (content.kind === "symbolic") return { kind: "symbolic", name, target: content.target };
    return { kind: "direct", name, oid: content.oid, peeled: undefined };
  }

  /** `directory` ends with a slash. Hidden files and lock files aren't references. */
  #readDirectory(directory: string): fs.Dirent<Buffer>[] {
    const path = refPath(this.#directory, directory);
    try {
      const children = fs.readdirSync(path, { withFileTypes: true, encoding: "buffer" });
      return children.filter(({ name }) => name[0] !== 0x2e && !isLockFile(name));
    } catch (error) {
      const code = errorCode(error);
      if (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG") return [];
      throw new UnreadableRefStoreError(String(path), error);
    }
  }

  #entryType(name: string, child: fs.Dirent<Buffer>): "file" | "directory" | undefined {
    if (child.isFile()) return "file";
    if (child.isDirectory()) return "directory";
    if (!child.isSymbolicLink()) return undefined;
    try {
      const stats = fs.statSync(refPath(this.#directory, name));
      if (stats.isDirectory()) return "directory";
      return stats.isFile() ? "file" : undefined;
    } catch {
      return undefined;
    }
  }
}

/** The directory below which all loose references with a prefix lie; undefined when there are none. */
function topDirectory(prefix: string): string | undefined {
  if ("refs/".startsWith(prefix)) return "refs/";
  return prefix.startsWith("refs/") ? prefix.slice(0, prefix.lastIndexOf("/") + 1) : undefined;
}

const LOCK_SUFFIX = Buffer.from(".lock");

function isLockFile(name: Buffer): boolean {
  return (
    name.length >= LOCK_SUFFIX.length && name.subarray(-LOCK_SUFFIX.length).equals(LOCK_SUFFIX)
  );
}

/** A symbolic link to a reference is a symbolic reference; another is read like the file it names. */
function linkTarget(path: string | Buffer): string | undefined {
  const target = fs.readlinkSync(path, { encoding: "buffer" }).toString("latin1");
  return target.startsWith("refs/") && parseRefName(target) !== undefined ? target : undefined;
}

function readContent(path: string | Buffer): string {
  const file = fs.openSync(path, "r");
  try {
    let bytes = Buffer.allocUnsafe(CONTENT_BYTES_USUAL);
    let length = fs.readSync(file, bytes);
    if (length === bytes.length) {
      bytes = Buffer.allocUnsafe(CONTENT_BYTES_MAX);
      length = fs.readSync(file, bytes, 0, bytes.length, 0);
    }
    return bytes.toString("latin1", 0, length);
  } finally {
    fs.closeSync(file);
  }
}

function errorCode(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
