import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { join } from "node:path";

interface ContentsOptions {
  /** Leaves out objects and packs under their final names, which no reference need lead to. */
  readonly leavesObjects?: boolean;
}

const OBJECTS = /[.]git\/objects\/(?:[0-9a-f]{2}(?:\/[0-9a-f]+)?|pack\/pack-[0-9a-f]+[.]\w+)$/;

/** The places of temporary files and working trees, and folders for references that git never removes. */
const FOLDERS = /^[+]gitaly(?:\/tmp)?$|[.]git\/(?:gitlab-worktree|refs\/[^/]+)$/;

/** Every file and folder below a storage, with a hash of what is in it, in order of their paths. */
export function storageContents(
  root: string,
  { leavesObjects = false }: ContentsOptions = {},
): string[] {
  const lines: string[] = [];
  const visit = (folder: string): void => {
    for (const name of namesIn(join(root, folder))) {
      const path = join(folder, name);
      const stats = lstatSync(join(root, path), { throwIfNoEntry: false });
      if (stats === undefined || (leavesObjects && OBJECTS.test(path))) continue;
      if (stats.isDirectory()) visit(path);
      if (!(stats.isDirectory() && FOLDERS.test(path)))
        lines.push(`${path} ${fingerprint(join(root, path), stats)}`);
    }
  };
  visit("");
  return lines;
}

/** None of what is gone by now. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function fingerprint(path: string, stats: Stats): string {
  if (stats.isDirectory()) return "folder";
  try {
    const content = stats.isSymbolicLink() ? readlinkSync(path) : readFileSync(path);
    return createHash("sha1").update(content).digest("hex");
  } catch {
    return "unreadable";
  }
}
