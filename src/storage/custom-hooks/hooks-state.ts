import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** How Go's library marks kinds of files in the number for their mode. */
const GO_DIRECTORY = 0x80000000;
const GO_SYMLINK = 0x08000000;

const PERMISSIONS = 0o777;

/**
 * What servers compare of a repository's hooks: names, permissions and contents of all files below
 * `root`, each directory in the order of its names' bytes.
 */
export async function hooksState(root: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  const add = async (path: string, name: string): Promise<void> => {
    const stats = await lstat(path);
    const mode = Buffer.alloc(4);
    const kind = stats.isDirectory() ? GO_DIRECTORY : stats.isSymbolicLink() ? GO_SYMLINK : 0;
    mode.writeUInt32BE(kind + (stats.mode & PERMISSIONS));
    parts.push(Buffer.from(name), mode);
    if (!stats.isDirectory()) {
      parts.push(await readFile(path));
      return;
    }
    const names = (await readdir(path)).sort((a, b) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
    );
    for (const entry of names)
      await add(join(path, entry), name === "." ? entry : `${name}/${entry}`);
  };
  await add(root, ".");
  return Buffer.concat(parts);
}
