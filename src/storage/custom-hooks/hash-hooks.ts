import { createHash, type Hash } from "node:crypto";
import { constants, createReadStream, type Stats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";

/**
 * Sums up a directory in the SHA-1 on which servers agree: of each entry the path below the
 * directory, the mode, and the content of files, in the order of the paths.
 */
export async function hashHooks(directory: string): Promise<Buffer> {
  const hash = createHash("sha1");
  await addEntry(hash, binaryFromText(directory), ".");
  return hash.digest();
}

/** Paths are binary strings. */
async function addEntry(hash: Hash, root: string, relativePath: string): Promise<void> {
  const path = bytesFromBinary(relativePath === "." ? root : `${root}/${relativePath}`);
  const stats = await lstat(path);
  hash.update(bytesFromBinary(relativePath));
  const mode = Buffer.alloc(4);
  mode.writeUInt32BE(modeBits(stats));
  hash.update(mode);
  if (stats.isDirectory()) {
    const names = await readdir(path, { encoding: "latin1" });
    const prefix = relativePath === "." ? "" : `${relativePath}/`;
    for (const name of names.sort()) await addEntry(hash, root, `${prefix}${name}`);
  } else for await (const chunk of createReadStream(path)) hash.update(chunk);
}

const PERMISSIONS = 0o777;

/** What the reference server's language has for the bits of a mode. */
const DIRECTORY = 2 ** 31;
const LINK = 2 ** 27;
const SPECIAL_BITS = [
  [0o4000, 2 ** 23],
  [0o2000, 2 ** 22],
  [0o1000, 2 ** 20],
] as const;

function modeBits({ mode }: Stats): number {
  const type = mode & constants.S_IFMT;
  let bits = mode & PERMISSIONS;
  if (type === constants.S_IFDIR) bits += DIRECTORY;
  if (type === constants.S_IFLNK) bits += LINK;
  for (const [bit, value] of SPECIAL_BITS) if ((mode & bit) !== 0) bits += value;
  return bits;
}
