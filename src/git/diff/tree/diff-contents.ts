import { isSystemError } from "../../../base/error/is-system-error.ts";
import type { MemoryShelf } from "../../../base/memory/shelved-memory.ts";
import type { AttributeReader } from "../../attribute/attribute-reader.ts";
import type { AttributeState } from "../../attribute/attribute-rules.ts";
import type { ObjectDatabase } from "../../object/object-database.ts";
import {
  CorruptObjectError,
  ObjectNotFoundError,
  ObjectTooLargeError,
} from "../../object/object-error.ts";
import type { Oid } from "../../oid/oid.ts";
import { DiffTooHardError } from "../text/diff-too-hard-error.ts";
import { type FindFunction, findAnyFunction } from "../text/function-line.ts";
import { findFunctionsOf } from "../text/language-functions.ts";
import { LineMemory } from "../text/line-memory.ts";
import { type DiffFile, isRegular, isSubmodule } from "./file-pair.ts";
import type { KnownPatch } from "./known-patch.ts";

/** Larger files are left to git. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;

/** A file with a NUL among so many bytes at its start is no text. */
const BINARY_LOOK_BYTES = 8000;

const NOTHING = Buffer.alloc(0);

/** Contents of files that are compared, and what attributes say about them. */
export class DiffContents {
  readonly #objects: ObjectDatabase;
  readonly #attributes: AttributeReader;
  readonly #patches: MemoryShelf<KnownPatch> | undefined;
  /** For comparing texts, one pair at a time. */
  readonly memory: LineMemory = new LineMemory();
  /** Blobs that needn't be stored. */
  readonly #given = new Map<Oid, Buffer>();
  /** What attributes say about paths. */
  readonly #states = new Map<string, AttributeState | undefined>();
  /** Bytes of all that was read so far. */
  bytesRead = 0;

  /** @param patches where patches of these objects are kept for later requests */
  constructor(
    objects: ObjectDatabase,
    attributes: AttributeReader,
    patches?: MemoryShelf<KnownPatch>,
  ) {
    this.#objects = objects;
    this.#attributes = attributes;
    this.#patches = patches;
  }

  /** Gives a blob that is needed whether it is stored or not. */
  give(oid: Oid, content: Buffer): void {
    this.#given.set(oid, content);
  }

  /** What is compared; of a submodule a line with its commit. */
  read(file: DiffFile): Buffer {
    if (file.mode === 0) return NOTHING;
    if (isSubmodule(file)) return Buffer.from(`Subproject commit ${file.oid}\n`);
    const given = this.#given.get(file.oid);
    if (given !== undefined) return given;
    const object = leaveToGit(() => this.#objects.read(file.oid, FILE_BYTES_MAX));
    if (object?.type !== "blob") throw new DiffTooHardError("unreadable-object");
    this.bytesRead += object.content.length;
    return object.content;
  }

  /** Size of a file's blob in bytes. */
  sizeOf(file: DiffFile): number {
    const header = leaveToGit(() => this.#objects.header(file.oid));
    if (header?.type !== "blob") throw new DiffTooHardError("unreadable-object");
    return header.size;
  }

  /** Whether a file is no text; its content may be given if it is at hand. */
  isBinary(file: DiffFile, content?: Buffer): boolean {
    if (file.mode === 0) return false;
    const state = this.#stateOf(file);
    if (typeof state === "boolean") return !state;
    const start = (content ?? this.read(file)).subarray(0, BINARY_LOOK_BYTES);
    return start.includes(0);
  }

  /** Both versions of a file; `undefined` when one of them is no text. */
  readTexts(from: DiffFile, to: DiffFile): readonly [from: Buffer, to: Buffer] | undefined {
    if (this.#isDeclaredBinary(from) || this.#isDeclaredBinary(to)) return undefined;
    // In a pack the version before is most often stored as a change of the one after it, which is
    // made on the way then, or is at hand already.
    const after = this.read(to);
    if (this.isBinary(to, after)) return undefined;
    const before = this.read(from);
    return this.isBinary(from, before) ? undefined : [before, after];
  }

  /** Spares reading it. */
  #isDeclaredBinary(file: DiffFile): boolean {
    return file.mode !== 0 && this.#stateOf(file) === false;
  }

  /** A patch that was kept, if the contents are stored from which it could be made again. */
  knownPatch(from: DiffFile, to: DiffFile): KnownPatch | undefined {
    const key = this.#patchKey(from, to);
    const known = key === undefined ? undefined : this.#patches?.find(key);
    if (known === undefined || !this.#isStored(from) || !this.#isStored(to)) return undefined;
    this.bytesRead += known.length;
    return known;
  }

  /** Keeps the hunks of a patch, which has to be whole. */
  keepPatch(from: DiffFile, to: DiffFile, patch: KnownPatch): void {
    const key = this.#patchKey(from, to);
    if (key !== undefined) this.#patches?.keep(key, patch);
  }

  /** All that hunks depend on. None are kept of what isn't a regular file. */
  #patchKey(from: DiffFile, to: DiffFile): string | undefined {
    if (!isPlain(from) || !isPlain(to)) return undefined;
    if (this.#given.has(from.oid) || this.#given.has(to.oid)) return undefined;
    return `${from.oid}${to.oid}${this.#stateWord(from)} ${this.#stateWord(to)}`;
  }

  #stateWord(file: DiffFile): string {
    const state = this.#stateOf(file);
    return typeof state === "object" ? `=${state.value}` : String(state);
  }

  #isStored({ mode, oid }: DiffFile): boolean {
    return mode === 0 || leaveToGit(() => this.#objects.has(oid));
  }

  /** How functions are found in a file whose versions these are. */
  functionsOf(from: DiffFile, to: DiffFile): FindFunction {
    return this.#functionsOf(from) ?? this.#functionsOf(to) ?? findAnyFunction;
  }

  #functionsOf(file: DiffFile): FindFunction | undefined {
    const state = this.#stateOf(file);
    return typeof state === "object" ? findFunctionsOf(state.value) : undefined;
  }

  #stateOf(file: DiffFile): AttributeState | undefined {
    if (!isRegular(file)) return undefined;
    const { path } = file;
    if (this.#states.has(path)) return this.#states.get(path);
    const state = leaveToGit(() => this.#attributes.stateOf(path, "diff"));
    this.#states.set(path, state);
    return state;
  }
}

/** A regular file, or none. */
function isPlain(file: DiffFile): boolean {
  return file.mode === 0 || isRegular(file);
}

/** Does something with objects; what can't be read is left to git, which words the failure. */
export function leaveToGit<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof ObjectTooLargeError) throw new DiffTooHardError("large-file", error);
    const isUnreadable =
      error instanceof ObjectNotFoundError ||
      error instanceof CorruptObjectError ||
      isSystemError(error);
    throw isUnreadable ? new DiffTooHardError("unreadable-object", error) : error;
  }
}
