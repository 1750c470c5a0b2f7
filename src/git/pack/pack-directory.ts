import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readIfThere } from "../../base/file/read-if-there.ts";
import { CorruptObjectError } from "../object/object-error.ts";
import { type ObjectFormat, OID_HEX_LENGTH } from "../oid/oid.ts";
import { FileVanishedError } from "./file-pool.ts";
import { FileState } from "./file-state.ts";
import { MultiPackIndex } from "./multi-pack-index.ts";
import type { OidTable } from "./oid-table.ts";
import { Pack } from "./pack.ts";
import type { ReaderResources } from "./reader-resources.ts";

/** Where an object stands. */
export interface PackLocation {
  readonly pack: Pack;
  readonly offset: number;
}

/** Layers of a chain of multi-pack-indexes, far beyond any real one. */
const LAYERS_MAX = 1024;

/**
 * The packs in one `objects/pack` folder, as they are indexed by themselves and together.
 *
 * The list is read when it is first needed, and again after `refresh`. A pack or index that can't
 * be read is left out; `failure` tells that there is one.
 */
export class PackDirectory {
  readonly path: string;
  readonly #format: ObjectFormat;
  readonly #resources: ReaderResources;
  readonly #state: FileState;
  readonly #packs = new Map<string, Pack>();
  /** Packs that no layer covers, the one that had an object most recently first. */
  #ownIndexed: Pack[] = [];
  #layers: MultiPackIndex[] = [];
  #layersStamp = "";
  /** Stamp of layers that turned out to be damaged. */
  #distrusted: string | undefined;
  #isLoaded = false;
  #failure: CorruptObjectError | undefined;
  #packsInUse = {};

  constructor(path: string, format: ObjectFormat, resources: ReaderResources) {
    this.path = path;
    this.#format = format;
    this.#resources = resources;
    this.#state = new FileState(path);
  }

  /** Why some packs can't be used, when that is so. */
  get failure(): CorruptObjectError | undefined {
    return this.#failure;
  }

  /** The same object as long as none of the packs has gone in which something may have been found. */
  get packsInUse(): object {
    this.#load();
    return this.#packsInUse;
  }

  /** Finds a copy of the object whose id's bytes are given. */
  find(oid: Buffer): PackLocation | undefined {
    this.#load();
    const location = this.#findInLayers(oid);
    if (location !== undefined) return location;
    const packs = this.#ownIndexed;
    for (let i = 0; i < packs.length; i++) {
      const pack = packs[i];
      const offset = pack === undefined ? -1 : this.#findInPack(pack, oid);
      if (pack === undefined || offset < 0) continue;
      if (i > 0) {
        packs.splice(i, 1);
        packs.unshift(pack);
      }
      return { pack, offset };
    }
    return undefined;
  }

  /** All copies of the object: when one is damaged, another one may help. */
  findAll(oid: Buffer): PackLocation[] {
    this.#load();
    const locations: PackLocation[] = [];
    // A multi-pack-index knows one copy only, so each pack is asked itself.
    for (const pack of [...this.#packs.values()]) {
      const offset = this.#findInPack(pack, oid);
      if (offset >= 0) locations.push({ pack, offset });
    }
    return locations;
  }

  /** The sorted lists of ids that together have all objects, some of them several times. */
  tables(): OidTable[] {
    this.#load();
    const tables = this.#layers.map(({ table }) => table);
    for (const pack of [...this.#ownIndexed]) {
      try {
        tables.push(pack.index.table);
      } catch (error) {
        this.#exclude(pack, error);
      }
    }
    return tables;
  }

  /**
   * Looks at the folder again if it may have changed, and returns `true` in this case. Packs that
   * are still there keep what is known of them.
   */
  refresh(): boolean {
    if (this.#isLoaded && !this.#state.hasChanged()) return false;
    this.#scan();
    return true;
  }

  /** Notes that the folder has to be read again before its next use, if it was changed. */
  expire(): void {
    if (this.#isLoaded && this.#state.hasChanged()) this.#isLoaded = false;
  }

  /** Leaves out a pack that vanished, and looks for what stands in its place. */
  drop(pack: Pack): void {
    this.#forget(pack);
    this.#isLoaded = false;
  }

  /** Closes all files. Using the folder opens them again. */
  close(): void {
    for (const pack of this.#packs.values()) pack.close();
    for (const layer of this.#layers) layer.close();
    this.#packs.clear();
    this.#packsInUse = {};
    this.#ownIndexed = [];
    this.#layers = [];
    this.#layersStamp = "";
    this.#isLoaded = false;
  }

  #load(): void {
    if (this.#isLoaded) return;
    this.#state.hasChanged();
    this.#scan();
  }

  #scan(): void {
    this.#isLoaded = true;
    this.#failure = undefined;
    const names = new Set(listDirectory(this.path));
    this.#loadLayers(names);
    for (const [name, pack] of [...this.#packs]) if (!names.has(`${name}.pack`)) this.#forget(pack);
    const covered = new Set(this.#layers.flatMap(({ packNames }) => packNames));
    this.#ownIndexed = [];
    for (const file of names) {
      if (!file.endsWith(".idx")) continue;
      const name = file.slice(0, -".idx".length);
      if (!names.has(`${name}.pack`)) continue;
      const pack = this.#packNamed(name);
      if (!covered.has(name)) this.#ownIndexed.push(pack);
    }
  }

  #packNamed(name: string): Pack {
    const known = this.#packs.get(name);
    if (known !== undefined) return known;
    const pack = new Pack(this.path, name, this.#format, this.#resources);
    this.#packs.set(name, pack);
    return pack;
  }

  #forget(pack: Pack): void {
    pack.close();
    this.#packsInUse = {};
    this.#packs.delete(pack.name);
    this.#ownIndexed = this.#ownIndexed.filter((other) => other !== pack);
  }

  #findInLayers(oid: Buffer): PackLocation | undefined {
    try {
      for (const layer of this.#layers) {
        const location = this.#findInLayer(layer, oid);
        if (location !== undefined) return location;
      }
    } catch (error) {
      if (!isUnusable(error)) throw error;
      // The packs' own indexes have all that it has.
      this.#distrusted = this.#layersStamp;
      this.#scan();
    }
    return undefined;
  }

  #findInLayer(layer: MultiPackIndex, oid: Buffer): PackLocation | undefined {
    const position = layer.table.find(oid);
    if (position < 0) return undefined;
    // The index outlives packs that are removed after it was read.
    const pack = this.#packs.get(layer.packNameAt(position));
    return pack === undefined ? undefined : { pack, offset: layer.offsetAt(position) };
  }

  #findInPack(pack: Pack, oid: Buffer): number {
    try {
      return pack.index.find(oid);
    } catch (error) {
      this.#exclude(pack, error);
      return -1;
    }
  }

  /** Leaves out a pack whose index can't be read. */
  #exclude(pack: Pack, error: unknown): void {
    if (error instanceof FileVanishedError) {
      this.drop(pack);
    } else if (error instanceof CorruptObjectError) {
      this.#failure ??= error;
      this.#forget(pack);
    } else {
      throw error;
    }
  }

  /** Opens the multi-pack-index, or the layers of its chain, unless they are the same still. */
  #loadLayers(names: ReadonlySet<string>): void {
    const single = join(this.path, SINGLE);
    const folder = join(this.path, LAYERS);
    // To fail to open what isn't there costs more than all the rest of an empty directory.
    const hasSingle = names.has(SINGLE);
    const chain = names.has(LAYERS) ? readText(join(folder, CHAIN), this.#format) : "";
    const stamp = `${hasSingle ? FileState.stamp(single) : ""}\n${chain}`;
    if (stamp === this.#layersStamp && stamp !== this.#distrusted) return;
    for (const layer of this.#layers) layer.close();
    this.#layersStamp = stamp;
    this.#layers = [];
    if (stamp === this.#distrusted) return;
    const whole = hasSingle ? this.#openLayer(single) : undefined;
    if (whole !== undefined) {
      this.#layers = [whole];
      return;
    }
    for (const checksum of chain.split("\n").slice(0, -1)) {
      const isName = /^[0-9a-f]+$/.test(checksum);
      const layer = isName
        ? this.#openLayer(join(folder, `multi-pack-index-${checksum}.midx`))
        : undefined;
      // As for git, the layers before a broken one are good.
      if (layer === undefined) return;
      this.#layers.unshift(layer);
    }
  }

  /** A multi-pack-index is only a short cut: without it, each pack's own index does. */
  #openLayer(path: string): MultiPackIndex | undefined {
    const { files, slices } = this.#resources;
    try {
      const file = files.open(path);
      try {
        return new MultiPackIndex(file, this.#format, slices);
      } catch (error) {
        file.close();
        throw error;
      }
    } catch (error) {
      if (error instanceof FileVanishedError || error instanceof CorruptObjectError)
        return undefined;
      throw error;
    }
  }
}

const SINGLE = "multi-pack-index";
const LAYERS = "multi-pack-index.d";
const CHAIN = "multi-pack-index-chain";

function isUnusable(error: unknown): boolean {
  return error instanceof FileVanishedError || error instanceof CorruptObjectError;
}

function listDirectory(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** The chain's file, or nothing when there is none. */
function readText(path: string, format: ObjectFormat): string {
  const text = readIfThere(path)?.toString("latin1") ?? "";
  return text.slice(0, LAYERS_MAX * (OID_HEX_LENGTH[format] + 1));
}

function isMissing(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === "ENOENT" || error.code === "ENOTDIR";
}
