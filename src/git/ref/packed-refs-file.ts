import * as fs from "node:fs";
import type { ObjectFormat } from "../oid/oid.ts";
import { type FileVersion, fileVersion, isUnchanged } from "./file-version.ts";
import { KeptValue } from "./kept-value.ts";
import { type PackedRef, PackedRefs } from "./packed-refs.ts";
import type { RefName } from "./ref-name.ts";
import type { DirectRef } from "./ref-reader.ts";
import { CorruptRefStoreError, UnreadableRefStoreError } from "./ref-store-error.ts";
import { FileText, MemoryText } from "./text-source.ts";

/** Up to this size packed-refs is read as a whole; a larger one is searched in place. */
const CACHED_BYTES_MAX = 1_048_576;

/** An unsorted file has to be read and sorted as a whole; git hasn't written any since 2018. */
const UNSORTED_BYTES_MAX = 268_435_456;

/** Packed references as they are when they are asked for, and how to let go of them. */
export interface OpenPackedRefs extends Disposable {
  readonly refs: PackedRefs | undefined;
  /** Whether it usually is the same object each time as long as the file is the same: a small one. */
  readonly isKept: boolean;
}

/** Reads packed-refs of one repository, in the version that stands on disk at each call. */
export class PackedRefsFile {
  readonly #path: string;
  readonly #format: ObjectFormat;
  readonly #nowMs: () => number;
  #cached: { readonly version: FileVersion; readonly refs: KeptValue<PackedRefs> } | undefined;

  constructor(directory: string, format: ObjectFormat, nowMs: () => number) {
    this.#path = `${directory}/packed-refs`;
    this.#format = format;
    this.#nowMs = nowMs;
  }

  /** What tells the present version from all others; undefined when it is too young for that. */
  version(): string | undefined {
    const nowMs = this.#nowMs();
    const stats = this.#stats();
    if (stats === undefined) return "none";
    const { settled, ...version } = fileVersion(stats, nowMs);
    return settled ? Object.values(version).join() : undefined;
  }

  /** Finds a reference. Throws a CorruptRefStoreError when its record or the file is damaged. */
  find(name: RefName): DirectRef | undefined {
    using open = this.open();
    return open.refs?.find(name);
  }

  /** Yields the references with a prefix that sort behind `after`, all of one version of the file. */
  *list(prefix: string, after: string): Generator<PackedRef, void, undefined> {
    using open = this.open();
    if (open.refs !== undefined) yield* open.refs.list(prefix, after);
  }

  /** The references of the version that stands on disk now; undefined when there are none. */
  open(): OpenPackedRefs {
    try {
      const stats = fs.statSync(this.#path, { throwIfNoEntry: false });
      if (stats === undefined) {
        this.#cached = undefined;
        return kept(undefined);
      }
      if (stats.size === 0) return kept(undefined);
      if (this.#cached !== undefined && isUnchanged(this.#cached.version, stats)) {
        const refs = this.#cached.refs.get();
        if (refs !== undefined) return kept(refs);
      }
      return this.#load();
    } catch (error) {
      if (error instanceof CorruptRefStoreError) throw error;
      if (isMissing(error)) return kept(undefined);
      throw new UnreadableRefStoreError(this.#path, error);
    }
  }

  #stats(): fs.Stats | undefined {
    try {
      return fs.statSync(this.#path, { throwIfNoEntry: false });
    } catch (error) {
      throw new UnreadableRefStoreError(this.#path, error);
    }
  }

  #load(): OpenPackedRefs {
    this.#cached = undefined;
    const nowMs = this.#nowMs();
    const file = fs.openSync(this.#path, "r");
    let isHandedOver = false;
    try {
      const stats = fs.fstatSync(file);
      if (stats.size > CACHED_BYTES_MAX) {
        const refs = new PackedRefs(new FileText(file, stats.size), this.#format);
        if (refs.isSorted) {
          isHandedOver = true;
          return { refs, isKept: false, [Symbol.dispose]: () => fs.closeSync(file) };
        }
        if (stats.size > UNSORTED_BYTES_MAX) {
          throw new CorruptRefStoreError("packed-refs is too large to be sorted");
        }
        return { refs: refs.sorted(), isKept: false, [Symbol.dispose]: () => undefined };
      }
      const refs = this.#parse(fs.readFileSync(file, "latin1"));
      if (refs === undefined) return kept(undefined);
      const version = fileVersion(stats, nowMs);
      this.#cached = { version, refs: new KeptValue(refs, stats.size) };
      return kept(refs);
    } finally {
      if (!isHandedOver) fs.closeSync(file);
    }
  }

  #parse(text: string): PackedRefs | undefined {
    if (text === "") return undefined;
    const refs = new PackedRefs(new MemoryText(text), this.#format);
    return refs.isSorted ? refs : refs.sorted();
  }
}

function kept(refs: PackedRefs | undefined): OpenPackedRefs {
  return { refs, isKept: true, [Symbol.dispose]: () => undefined };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
