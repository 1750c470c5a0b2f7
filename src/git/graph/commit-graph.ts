import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CorruptObjectError } from "../object/object-error.ts";
import { type ObjectFormat, OID_HEX_LENGTH, type Oid } from "../oid/oid.ts";
import { FileVanishedError } from "../pack/file-pool.ts";
import { MemoryTenant } from "../pack/memory-budget.ts";
import type { ReaderResources } from "../pack/reader-resources.ts";
import { CommitGraphLayer } from "./commit-graph-layer.ts";

/** Layers of a chain, far beyond any real one. */
const LAYERS_MAX = 1024;

/** The generation of a commit that isn't in the graph, or for which none was computed. */
export const GENERATION_INFINITY: number = Number.POSITIVE_INFINITY;

/** What to make of a commit-graph. */
export interface CommitGraphOptions {
  /** Object directories in order: the first that has a graph counts, layers may be in any. */
  readonly directories: readonly string[];
  readonly format: ObjectFormat;
  readonly resources: ReaderResources;
  /** As `commitGraph.generationVersion`: 1 ignores corrected dates. */
  readonly generationVersion?: number;
}

/**
 * What git has written down about the history: parents, times and generations of most commits.
 *
 * Commits are named by their position, a number below `count`. Read page by page; the files stay
 * open while somebody pins the graph.
 */
export class CommitGraph extends MemoryTenant {
  readonly count: number;
  /** `true` when commits have generations at all. */
  readonly hasGenerations: boolean;
  /** `true` when these are corrected dates, not topological levels. */
  readonly hasCorrectedDates: boolean;
  /** The lowest first. */
  readonly layers: readonly CommitGraphLayer[];
  /** Position of each layer's first commit. */
  readonly #starts: readonly number[];
  readonly #resources: ReaderResources;
  #pins = 0;
  #isClosed = false;

  private constructor(
    layers: readonly CommitGraphLayer[],
    tenant: Charge,
    { resources, generationVersion = 2 }: CommitGraphOptions,
  ) {
    super();
    this.layers = layers;
    this.#resources = resources;
    let count = 0;
    this.#starts = layers.map((layer) => {
      count += layer.count;
      return count - layer.count;
    });
    this.count = count;
    const top = layers.at(-1);
    this.hasGenerations = top !== undefined && top.count > 0 && top.levelAt(0) > 0;
    this.hasCorrectedDates =
      generationVersion >= 2 && layers.every((layer) => layer.hasCorrectedDates);
    for (const layer of layers) layer.usesCorrectedDates = this.hasCorrectedDates;
    tenant.to = (bytes) => resources.graphs.charge(this, bytes);
  }

  /** Opens the graph of a repository, or returns `undefined` when there is none that is usable. */
  static open(options: CommitGraphOptions): CommitGraph | undefined {
    const tenant: Charge = { to: () => undefined };
    for (const directory of options.directories) {
      const single = openLayer(join(directory, "info", "commit-graph"), options, tenant);
      const layers = single === undefined ? openChain(directory, options, tenant) : [single];
      if (layers.length > 0) return new CommitGraph(layers, tenant, options);
    }
    return undefined;
  }

  /** Returns the position of the id whose bytes are given, or -1. */
  find(oid: Buffer): number {
    for (let i = this.layers.length - 1; i >= 0; i--) {
      const position = this.layers[i]?.find(oid) ?? -1;
      if (position >= 0) return position + (this.#starts[i] ?? 0);
    }
    return -1;
  }

  oidAt(position: number): Oid {
    const i = this.#layerOf(position);
    return this.#layer(i).oidAt(position - (this.#starts[i] ?? 0));
  }

  treeAt(position: number): Oid {
    const i = this.#layerOf(position);
    return this.#layer(i).treeAt(position - (this.#starts[i] ?? 0));
  }

  /** Time of the commit in seconds. */
  timeAt(position: number): number {
    const i = this.#layerOf(position);
    return this.#layer(i).timeAt(position - (this.#starts[i] ?? 0));
  }

  /** A number that is larger than that of every ancestor. */
  generationAt(position: number): number {
    const i = this.#layerOf(position);
    const generation = this.#layer(i).generationAt(position - (this.#starts[i] ?? 0));
    return generation === 0 ? GENERATION_INFINITY : generation;
  }

  /** Positions of the parents. Throws `CorruptObjectError`. */
  parentsAt(position: number): number[] {
    const i = this.#layerOf(position);
    const layer = this.#layer(i);
    const start = this.#starts[i] ?? 0;
    const parents = layer.parentsAt(position - start);
    // No layer knows of those above it.
    const limit = start + layer.count;
    for (const parent of parents) {
      if (parent >= limit) throw layer.corrupt("commit-graph has no such parent");
    }
    return parents;
  }

  /** Position of the first parent, if there is one. Throws `CorruptObjectError`. */
  firstParentAt(position: number): number | undefined {
    const i = this.#layerOf(position);
    const layer = this.#layer(i);
    const start = this.#starts[i] ?? 0;
    const parent = layer.firstParentAt(position - start);
    if (parent === undefined || parent < start + layer.count) return parent;
    throw layer.corrupt("commit-graph has no such parent");
  }

  /** Layer of a position, and the position in it. */
  locate(position: number): { readonly layer: CommitGraphLayer; readonly place: number } {
    const i = this.#layerOf(position);
    return { layer: this.#layer(i), place: position - (this.#starts[i] ?? 0) };
  }

  /**
   * Keeps the files open until the returned function is called. Throws `FileVanishedError` when
   * the graph was replaced: open it again.
   */
  pin(): () => void {
    const unpins: (() => void)[] = [];
    const unpin = (): void => {
      for (const each of unpins.splice(0)) each();
      this.#pins--;
      if (this.#isClosed && this.#pins === 0) this.#closeFiles();
    };
    this.#pins++;
    try {
      for (const { file } of this.layers) unpins.push(file.pin());
    } catch (error) {
      unpin();
      throw error;
    }
    return unpin;
  }

  override evict(): void {
    for (const layer of this.layers) layer.clear();
  }

  /** Closes the files, as soon as nobody pins them. */
  close(): void {
    this.#isClosed = true;
    if (this.#pins === 0) this.#closeFiles();
  }

  #closeFiles(): void {
    this.#resources.graphs.release(this);
    for (const layer of this.layers) {
      layer.clear();
      layer.file.close();
    }
  }

  #layerOf(position: number): number {
    let i = this.#starts.length - 1;
    while (i > 0 && position < (this.#starts[i] ?? 0)) i--;
    return i;
  }

  #layer(i: number): CommitGraphLayer {
    const layer = this.layers[i];
    if (layer === undefined) throw new CorruptObjectError("commit-graph has no such layer");
    return layer;
  }
}

/** Who pays for pages: known only when all layers are open. */
interface Charge {
  to: (bytes: number) => void;
}

/** A graph is only a short cut: one that can't be read is none. */
function openLayer(
  path: string,
  { format, resources }: CommitGraphOptions,
  tenant: Charge,
): CommitGraphLayer | undefined {
  try {
    const file = resources.files.open(path);
    try {
      return new CommitGraphLayer(file, format, (bytes) => tenant.to(bytes));
    } catch (error) {
      file.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof FileVanishedError || error instanceof CorruptObjectError) return undefined;
    throw error;
  }
}

/** Opens the layers that a chain's file lists; as for git, those before a wrong one are good. */
function openChain(
  directory: string,
  options: CommitGraphOptions,
  tenant: Charge,
): CommitGraphLayer[] {
  const layers: CommitGraphLayer[] = [];
  for (const checksum of readChain(directory, options.format)) {
    const layer = openChainLayer(checksum, options, tenant);
    if (layer === undefined) break;
    const bases = layers.map((base) => base.checksum);
    const isFitting = layer.checksum === checksum && isPrefix(bases, layer.baseChecksums);
    if (!isFitting) {
      layer.file.close();
      break;
    }
    layers.push(layer);
  }
  return layers;
}

function openChainLayer(
  checksum: string,
  options: CommitGraphOptions,
  tenant: Charge,
): CommitGraphLayer | undefined {
  for (const directory of options.directories) {
    const path = join(directory, "info", "commit-graphs", `graph-${checksum}.graph`);
    const layer = openLayer(path, options, tenant);
    if (layer !== undefined) return layer;
  }
  return undefined;
}

function isPrefix(bases: readonly string[], named: readonly string[]): boolean {
  return bases.every((checksum, i) => named[i] === checksum);
}

/** Where a chain lists its layers. */
export function commitGraphChainPath(objectDirectory: string): string {
  return join(objectDirectory, "info", "commit-graphs", "commit-graph-chain");
}

function readChain(directory: string, format: ObjectFormat): string[] {
  let text: string;
  try {
    text = readFileSync(commitGraphChainPath(directory), "latin1");
  } catch (error) {
    if (error instanceof Error && "code" in error && /^(?:ENOENT|ENOTDIR)$/.test(`${error.code}`)) {
      return [];
    }
    throw error;
  }
  const lines = text.split("\n").slice(0, LAYERS_MAX);
  const end = lines.findIndex(
    (line) => !/^[0-9a-f]+$/.test(line) || line.length !== OID_HEX_LENGTH[format],
  );
  return end < 0 ? lines : lines.slice(0, end);
}
