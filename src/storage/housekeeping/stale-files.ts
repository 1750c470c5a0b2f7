import { type Dirent, lstatSync, readFileSync, type Stats } from "node:fs";
import { isMissing } from "../../base/error/system-error-text.ts";
import { binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { FolderListings } from "../file/folder-listings.ts";
import { findStats, forEachFile } from "../file/for-each-file.ts";

/** Paths, as binary strings, of what processes that died have left, by the kind that metrics name. */
export type StaleFiles = ReadonlyMap<string, readonly string[]>;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Files at fixed places, and how long they may stay. */
const FIXED: readonly (readonly [kind: string, graceMs: number, files: readonly string[]])[] = [
  [
    "locks",
    15 * MINUTE_MS,
    [
      "config.lock",
      "HEAD.lock",
      "info/attributes.lock",
      "objects/info/alternates.lock",
      "objects/info/commit-graphs/commit-graph-chain.lock",
      "objects/pack/multi-pack-index.lock",
    ],
  ],
  ["packedrefslock", HOUR_MS, ["packed-refs.lock"]],
  ["packedrefsnew", 15 * MINUTE_MS, ["packed-refs.new"]],
  ["reftablelocks", HOUR_MS, ["reftable/tables.list.lock"]],
];

const TEMPORARY_OBJECT_MS = DAY_MS;
const TEMPORARY_DIRECTORY_MS = 3 * DAY_MS;
const BROKEN_REF_MS = DAY_MS;
const REF_LOCK_MS = HOUR_MS;
const PACK_LOCK_MS = 7 * DAY_MS;

/** Looks for what may be removed from the repository at `path`. */
export async function findStaleFiles(
  path: string,
  nowMs: number,
  signal: AbortSignal,
  listings: FolderListings = new FolderListings(),
): Promise<StaleFiles> {
  const root = binaryFromText(path);
  const found = new Map<string, string[]>(FIXED.map(([kind]) => [kind, []]));
  const isOlder = (stats: Stats | undefined, graceMs: number): boolean =>
    stats !== undefined && nowMs - stats.mtimeMs >= graceMs;
  for (const [kind, graceMs, files] of FIXED) {
    const there = files.filter((file) => listings.has(root, file));
    const paths = there.map((file) => `${root}/${file}`);
    found.set(
      kind,
      paths.filter((file) => isOlder(findStats(file), graceMs)),
    );
  }
  const objects: string[] = [];
  await forEachFile(
    `${path}/objects`,
    (file) => {
      const isTemporary = file.slice(file.lastIndexOf("/") + 1).startsWith("tmp_");
      if (isTemporary && isOlder(findStats(file), TEMPORARY_OBJECT_MS)) objects.push(file);
    },
    signal,
    listings.list,
  );
  const refs = await findStaleRefs(path, isOlder, signal, listings);
  return new Map<string, readonly string[]>([
    ...found,
    ...refs,
    ["objects", objects],
    [
      "objectdirs",
      temporaryDirectories(root, listings).filter((file) =>
        isOlder(statOf(file), TEMPORARY_DIRECTORY_MS),
      ),
    ],
    [
      "packfilelocks",
      packLocks(root, listings).filter(
        (file) => isOlder(findStats(file), PACK_LOCK_MS) && isFromProcess(file),
      ),
    ],
    [
      "temporaryfiles",
      replacements(root, listings).filter((file) => isOlder(findStats(file), TEMPORARY_OBJECT_MS)),
    ],
    ["serverinfo", serverInfo(root, listings)],
  ]);
}

function statOf(path: string): Stats | undefined {
  return lstatSync(bytesFromBinary(path), { throwIfNoEntry: false });
}

async function findStaleRefs(
  path: string,
  isOlder: (stats: Stats | undefined, graceMs: number) => boolean,
  signal: AbortSignal,
  listings: FolderListings,
): Promise<[string, string[]][]> {
  const refs: string[] = [];
  const locks: string[] = [];
  await forEachFile(
    `${path}/refs`,
    (file) => {
      const stats = findStats(file);
      // A crash of the machine may leave empty files, which git doesn't take for references.
      if (stats?.size === 0 && isOlder(stats, BROKEN_REF_MS)) refs.push(file);
      if (file.endsWith(".lock") && isOlder(stats, REF_LOCK_MS)) locks.push(file);
    },
    signal,
    listings.list,
  );
  return [
    ["refs", refs],
    ["reflocks", locks],
  ];
}

function names(
  { list }: FolderListings,
  folder: string,
  isWanted: (entry: Dirent) => boolean,
): string[] {
  return list(folder)
    .filter(isWanted)
    .map(({ name }) => `${folder}/${name}`);
}

function temporaryDirectories(root: string, listings: FolderListings): string[] {
  return names(listings, `${root}/objects`, (entry) => {
    return entry.isDirectory() && entry.name.startsWith("tmp_objdir");
  });
}

function packLocks(root: string, listings: FolderListings): string[] {
  return names(listings, `${root}/objects/pack`, ({ name }) => /^pack-.*\.keep$/s.test(name));
}

const REPLACEMENT = /^(?:config|alternates|gitaly-language[.]stats)[0-9a-f]{16}$/;

/** What was to take the place of another file, see `writeFileAtomically`. */
function replacements(root: string, listings: FolderListings): string[] {
  return [root, `${root}/objects/info`].flatMap((folder) =>
    names(listings, folder, (entry) => entry.isFile() && REPLACEMENT.test(entry.name)),
  );
}

/** Others may keep a pack by intent. */
function isFromProcess(path: string): boolean {
  try {
    return /^(?:receive|fetch)-pack /.test(readFileSync(bytesFromBinary(path), "latin1"));
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** What only servers without git of their own need. */
function serverInfo(root: string, listings: FolderListings): string[] {
  const places = [
    [`${root}/info`, "refs"],
    [`${root}/objects/info`, "packs"],
  ] as const;
  return places.flatMap(([folder, base]) =>
    names(listings, folder, (entry) => {
      return entry.isFile() && (entry.name === base || entry.name.startsWith(`${base}_`));
    }),
  );
}
