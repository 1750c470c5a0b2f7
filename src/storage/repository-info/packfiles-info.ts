import { lstatSync, readdirSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { isMissing } from "../../base/error/system-error-text.ts";
import { type BitmapInfo, readBitmapInfo } from "./bitmap-info.ts";
import { during } from "./inspection-error.ts";
import { type MultiPackIndexInfo, readMultiPackIndexInfo } from "./multi-pack-index-info.ts";

/** Counts and sizes in bytes of packs and of what belongs to them. */
export interface PackfilesInfo {
  /** All packs, kept and cruft ones included. */
  readonly count: number;
  readonly size: number;
  readonly reverseIndexCount: number;
  /** Packs of unreachable objects. */
  readonly cruftCount: number;
  readonly cruftSize: number;
  /** Packs that a .keep file protects from repacking. */
  readonly keepCount: number;
  readonly keepSize: number;
  /** Files in the folder of packs that nobody knows. */
  readonly garbageCount: number;
  readonly garbageSize: number;
  readonly bitmap: BitmapInfo | undefined;
  readonly multiPackIndex: MultiPackIndexInfo | undefined;
  readonly multiPackIndexBitmap: BitmapInfo | undefined;
  /** When all objects were last packed anew, in milliseconds since the epoch. */
  readonly lastFullRepackMs: number | undefined;
}

/** Its time of modification tells when everything was last packed anew. */
const FULL_REPACK_FILE = ".gitaly-full-repack-timestamp";

/** Looks at the packs of the repository at `repositoryPath`. */
export function readPackfilesInfo(repositoryPath: string): PackfilesInfo {
  const folder = join(repositoryPath, "objects/pack");
  const names = listSorted(folder);
  if (names === undefined) return NO_PACKFILES;
  const info: Counters = { ...NO_PACKFILES };
  const all = new Set(names);
  for (const name of names) inspect(info, folder, name, all);
  info.lastFullRepackMs = during("reading full-repack timestamp", () => {
    return statSync(join(repositoryPath, FULL_REPACK_FILE), { throwIfNoEntry: false })?.mtimeMs;
  });
  return info;
}

const NO_PACKFILES: PackfilesInfo = {
  count: 0,
  size: 0,
  reverseIndexCount: 0,
  cruftCount: 0,
  cruftSize: 0,
  keepCount: 0,
  keepSize: 0,
  garbageCount: 0,
  garbageSize: 0,
  bitmap: undefined,
  multiPackIndex: undefined,
  multiPackIndexBitmap: undefined,
  lastFullRepackMs: undefined,
};

type Counters = { -readonly [K in keyof PackfilesInfo]: PackfilesInfo[K] };

/** Of several bitmaps the last one counts. */
function listSorted(folder: string): string[] | undefined {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function inspect(info: Counters, folder: string, name: string, all: ReadonlySet<string>): void {
  const path = join(folder, name);
  switch (kindOf(name)) {
    case ".pack":
      countPack(info, path, name.slice(0, -".pack".length), all);
      break;
    case ".rev":
      info.reverseIndexCount++;
      break;
    case ".bitmap":
      info.bitmap = during("reading bitmap info", () => readBitmapInfo(path));
      break;
    case "multi-pack-index":
      info.multiPackIndex = during("reading multi-pack-index", () => readMultiPackIndexInfo(path));
      break;
    case "multi-pack-index bitmap":
      info.multiPackIndexBitmap = during("reading multi-pack-index bitmap info", () =>
        readBitmapInfo(path),
      );
      break;
    case "garbage":
      info.garbageCount++;
      info.garbageSize += during("getting garbage size", () => sizeOf(path) ?? 0);
      break;
    default:
    // Belongs to a pack that is counted, or to its name.
  }
}

const PACK_EXTENSIONS = [".pack", ".idx", ".keep", ".mtimes", ".rev", ".bitmap"] as const;

type Kind =
  | (typeof PACK_EXTENSIONS)[number]
  | "multi-pack-index"
  | "multi-pack-index bitmap"
  | "garbage";

function kindOf(name: string): Kind {
  if (name === "multi-pack-index") return "multi-pack-index";
  const extension = extname(name);
  if (name.startsWith("multi-pack-index-") && extension === ".bitmap") {
    return "multi-pack-index bitmap";
  }
  const known = PACK_EXTENSIONS.find((candidate) => candidate === extension);
  return name.startsWith("pack-") && known !== undefined ? known : "garbage";
}

function countPack(info: Counters, path: string, stem: string, all: ReadonlySet<string>): void {
  const size = during("getting packfile size", () => sizeOf(path));
  // Repacked meanwhile.
  if (size === undefined) return;
  info.count++;
  info.size += size;
  if (all.has(`${stem}.keep`)) {
    info.keepCount++;
    info.keepSize += size;
  } else if (all.has(`${stem}.mtimes`)) {
    info.cruftCount++;
    info.cruftSize += size;
  }
}

function sizeOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.size;
}
