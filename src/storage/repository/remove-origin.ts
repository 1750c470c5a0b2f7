import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Drops what a clone has noted of where it came from, in a repository that nobody else knows of
 * yet: the settings of the remote `origin`.
 *
 * @param path the git directory
 */
export async function removeOrigin(path: string): Promise<void> {
  const config = join(path, "config");
  const lines = (await readFile(config, "latin1")).split(/(?<=\n)/);
  let isOrigin = false;
  const kept = lines.filter((line) => {
    if (line.startsWith("[")) isOrigin = line.startsWith('[remote "origin"]');
    return !isOrigin;
  });
  await writeFile(config, kept.join(""), "latin1");
}
