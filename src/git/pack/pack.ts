import { setImmediate as nextTurn } from "node:timers/promises";
import { CorruptObjectError, ObjectTooLargeError } from "../object/object-error.ts";
import type { ObjectHeader, ObjectType } from "../object/object-type.ts";
import type { ObjectFormat } from "../oid/oid.ts";
import type { CachePartition } from "./byte-cache.ts";
import { applyDelta, DELTA_SIZES_BYTES_MAX, DeltaApplication, parseDeltaSizes } from "./delta.ts";
import { inflateChunks } from "./inflate.ts";
import type { PackEntry } from "./pack-entry.ts";
import { PackFile } from "./pack-file.ts";
import type { PackIndex } from "./pack-index.ts";
import type { CachedContent, ReaderResources } from "./reader-resources.ts";
import type { ScratchBuffers } from "./scratch-buffers.ts";

/** Deltas on top of one another; git makes no longer chains either. */
const CHAIN_LENGTH_MAX = 4095;

/** Bytes that one synchronous read may make on its way: it stops the event loop meanwhile. */
const SYNC_WORK_BYTES_MAX = 256 * 1024 * 1024;

/** Entries up to this size are inflated right away even by asynchronous reads. */
const SYNC_ENTRY_BYTES_MAX = 256 * 1024;

/** Bytes that an asynchronous read copies between two turns of the event loop. */
const TURN_BYTES = 4 * 1024 * 1024;

/** Larger contents aren't kept: they would push out too many others. */
const CACHED_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Of the objects that are made on the way to another one, each eighth is kept: all of them would
 * push out too much, none would make their neighbours expensive.
 */
const KEPT_STEP = 8;

/** Deltas up to this size are inflated when their heads are read: most often one read gets both. */
const SMALL_DELTA_BYTES = 4096;

/** Bytes of deltas that are held while an object is made. */
const DELTAS_BYTES_MAX = 256 * 1024;

/** Objects of a pack whose types are kept: enough for the entries of the largest usual trees. */
const TYPES_MAX = 4096;

interface ChainLink {
  readonly offset: number;
  readonly entry: PackEntry;
  /** What the entry holds, if that was at hand. */
  readonly delta?: Buffer;
}

/** An object that is no delta. */
interface ChainBase extends ChainLink {
  readonly type: ObjectType;
}

/** The way from an object to what it is made from. */
interface Chain {
  /** Deltas from the object to the one on top of the base. */
  readonly deltas: readonly ChainLink[];
  /** The base, as it stands in the pack or as the cache has it. */
  readonly base: ChainBase | CachedContent;
}

/** A large object that is read piece by piece. */
export interface ObjectStream extends ObjectHeader {
  /** The content; pulls from the store only as pieces are taken. Must be iterated or returned. */
  readonly chunks: AsyncGenerator<Buffer, void, undefined>;
}

/**
 * The objects of one pack, found by their offset.
 *
 * All methods throw `CorruptObjectError` for damaged packs and `FileVanishedError` when another
 * process has removed the pack.
 */
export class Pack {
  readonly #file: PackFile;
  readonly #contents: CachePartition<CachedContent>;
  readonly #scratch: ScratchBuffers;
  /** Types by offset: pushes ask again and again for those of the same neighbours. */
  readonly #types = new Map<number, ObjectType>();

  constructor(directory: string, name: string, format: ObjectFormat, resources: ReaderResources) {
    this.#file = new PackFile(directory, name, format, resources);
    this.#contents = resources.contents.partition();
    this.#scratch = resources.scratch;
  }

  /** File name without an extension. */
  get name(): string {
    return this.#file.name;
  }

  get index(): PackIndex {
    return this.#file.index;
  }

  /** Makes sure that the pack can be read: an index may outlive its pack. */
  open(): void {
    this.#file.open();
  }

  /** Gives back files and memory. Reading opens them again. */
  close(): void {
    this.#types.clear();
    this.#contents.clear();
    this.#file.close();
  }

  /** Tells an object's type. Unlike `header`, it needs nothing of what is deflated. */
  typeOf(offset: number): ObjectType {
    const known = this.#types.get(offset);
    if (known !== undefined) return known;
    const { type } = this.#chainOf(offset).base;
    if (this.#types.size >= TYPES_MAX) this.#types.clear();
    this.#types.set(offset, type);
    return type;
  }

  /** Tells type and size of an object without making it. */
  header(offset: number): ObjectHeader {
    const cached = this.#contents.get(offset);
    if (cached !== undefined) return { type: cached.type, size: cached.content.length };
    const { deltas, base } = this.#chainOf(offset);
    const [top] = deltas;
    if (top !== undefined) return { type: base.type, size: this.#resultSize(top) };
    return { type: base.type, size: "content" in base ? base.content.length : base.entry.size };
  }

  /**
   * Reads an object. Throws `ObjectTooLargeError` when it has more than `bytesMax` bytes, or takes
   * so much work that it should be loaded asynchronously.
   */
  read(offset: number, bytesMax: number): CachedContent {
    const cached = this.#contents.get(offset);
    if (cached !== undefined) return checkSize(cached, bytesMax);
    const { deltas, base } = this.#chainOf(offset, DELTAS_BYTES_MAX);
    const entryBytesMax = Math.max(bytesMax, SYNC_ENTRY_BYTES_MAX);
    let current = "content" in base ? base : this.#readBase(base, entryBytesMax);
    let work = current.content.length;
    for (let i = deltas.length - 1; i >= 0; i--) {
      const link = deltas[i];
      if (link === undefined) continue;
      checkBytes(link.entry.size, entryBytesMax * 2);
      const delta = link.delta ?? this.#file.inflateEntry(link.offset, link.entry);
      const sizes = parseDeltaSizes(delta);
      checkBytes(sizes.result, entryBytesMax);
      work += link.entry.size + sizes.result;
      checkBytes(work, SYNC_WORK_BYTES_MAX);
      const isKept = i % KEPT_STEP === 0;
      const room = isKept ? undefined : this.#scratch.take(sizes.result);
      const content = applyDelta(current.content, delta, sizes, room);
      current = { type: current.type, content };
      if (isKept) this.#keep(link.offset, current);
    }
    return checkSize(current, bytesMax);
  }

  /**
   * Reads an object of up to `bytesMax` bytes without stopping the event loop for long. Throws
   * `ObjectTooLargeError` also when a base on the way is larger.
   */
  async load(offset: number, bytesMax: number, signal: AbortSignal): Promise<CachedContent> {
    const cached = this.#contents.get(offset);
    if (cached !== undefined) return checkSize(cached, bytesMax);
    using _pin = this.#pin();
    const { deltas, base } = this.#chainOf(offset);
    let current: CachedContent;
    if ("content" in base) {
      current = base;
    } else {
      const content = await this.#inflate(base, bytesMax, signal);
      current = this.#keep(base.offset, { type: base.type, content });
    }
    for (const link of deltas.toReversed()) {
      const delta = await this.#inflate(link, bytesMax, signal);
      const sizes = parseDeltaSizes(delta);
      checkBytes(sizes.result, bytesMax);
      const application = new DeltaApplication(current.content, delta, sizes);
      while (!application.run(TURN_BYTES)) await nextTurn(undefined, { signal });
      current = this.#keep(link.offset, { type: current.type, content: application.result });
      signal.throwIfAborted();
    }
    return checkSize(current, bytesMax);
  }

  /**
   * Reads an object of any size in pieces. One that is stored as a delta has to be made as a whole,
   * in at most `deltaBytesMax` bytes, else throws `ObjectTooLargeError`.
   */
  async stream(offset: number, deltaBytesMax: number, signal: AbortSignal): Promise<ObjectStream> {
    const { deltas, base } = this.#chainOf(offset);
    if (deltas.length > 0 || "content" in base) {
      const { type, content } = await this.load(offset, deltaBytesMax, signal);
      return { type, size: content.length, chunks: singleChunk(content) };
    }
    const chunks = this.#streamEntry(base, signal);
    return { type: base.type, size: base.entry.size, chunks };
  }

  async *#streamEntry(
    { offset, entry }: ChainLink,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer, void, undefined> {
    using _pin = this.#pin();
    yield* inflateChunks(this.#file.deflatedChunks(offset, entry), entry.size, signal);
  }

  /**
   * Follows the deltas down from `offset` to an object, or to one that the cache has. On the way
   * up to `deltaBytesMax` bytes of small deltas are inflated, whose bytes are at hand here.
   */
  #chainOf(offset: number, deltaBytesMax = 0): Chain {
    const deltas: ChainLink[] = [];
    let bytesLeft = deltaBytesMax;
    for (let place = offset; ; ) {
      const cached = this.#contents.get(place);
      if (cached !== undefined) return { deltas, base: cached };
      const entry = this.#file.entryAt(place);
      if (entry.kind !== "offset-delta" && entry.kind !== "ref-delta") {
        return { deltas, base: { offset: place, entry, type: entry.kind } };
      }
      if (entry.size <= Math.min(bytesLeft, SMALL_DELTA_BYTES)) {
        bytesLeft -= entry.size;
        deltas.push({ offset: place, entry, delta: this.#file.inflateEntry(place, entry) });
      } else {
        deltas.push({ offset: place, entry });
      }
      if (deltas.length > CHAIN_LENGTH_MAX) {
        throw this.#corrupt("deltas form a loop or a chain that is too long", offset);
      }
      place = this.#baseOf(place, entry);
    }
  }

  #baseOf(offset: number, entry: PackEntry): number {
    if (entry.kind === "offset-delta") {
      if (entry.baseDistance === 0) throw this.#corrupt("delta is its own base", offset);
      return offset - entry.baseDistance;
    }
    const base = this.#file.index.find(this.#file.baseOidAt(offset, entry));
    if (base < 0) throw this.#corrupt("delta's base isn't in its pack", offset);
    return base;
  }

  #resultSize({ offset, entry }: ChainLink): number {
    return parseDeltaSizes(this.#file.inflateEntryStart(offset, entry, DELTA_SIZES_BYTES_MAX))
      .result;
  }

  async #inflate(link: ChainLink, bytesMax: number, signal: AbortSignal): Promise<Buffer> {
    const { offset, entry } = link;
    if (entry.size <= SYNC_ENTRY_BYTES_MAX) return this.#file.inflateEntry(offset, entry);
    checkBytes(entry.size, bytesMax);
    const content = Buffer.allocUnsafeSlow(entry.size);
    let length = 0;
    const source = this.#file.deflatedChunks(offset, entry);
    for await (const chunk of inflateChunks(source, entry.size, signal)) {
      length += chunk.copy(content, length);
    }
    return content;
  }

  #readBase({ offset, entry, type }: ChainBase, bytesMax: number): CachedContent {
    checkBytes(entry.size, bytesMax);
    return this.#keep(offset, { type, content: this.#file.inflateEntry(offset, entry) });
  }

  #keep(offset: number, made: CachedContent): CachedContent {
    const { length } = made.content;
    if (length <= CACHED_BYTES_MAX) this.#contents.set(offset, made, length);
    return made;
  }

  #pin(): Disposable {
    const unpin = this.#file.pin();
    return { [Symbol.dispose]: unpin };
  }

  #corrupt(message: string, offset: number): CorruptObjectError {
    return new CorruptObjectError(message, { metadata: { pack: this.name, offset } });
  }
}

/** Yields a content that is in memory already. */
export async function* singleChunk(content: Buffer): AsyncGenerator<Buffer, void, undefined> {
  if (content.length > 0) yield content;
}

function checkSize(cached: CachedContent, bytesMax: number): CachedContent {
  checkBytes(cached.content.length, bytesMax);
  return cached;
}

function checkBytes(size: number, bytesMax: number): void {
  if (size > bytesMax) throw new ObjectTooLargeError(size, bytesMax);
}
