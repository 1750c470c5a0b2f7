import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";

/** A repository that nobody knows of. Disposing of it removes everything. */
export interface ScratchRepository extends Disposable {
  readonly path: string;
  /** Writes a file beside the repository's own; returns its path. */
  writeFile(name: string, content: Uint8Array): string;
}

const CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n";

/**
 * Makes an empty bare repository of SHA-1 objects.
 *
 * @param folder where it is made
 * @param head the branch that HEAD names, a binary string
 */
export async function createScratchRepository(
  folder: string,
  head: string,
): Promise<ScratchRepository> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const directory = mkdtempSync(join(folder, "repo"));
  const path = join(directory, "scratch.git");
  for (const name of ["objects", "refs"]) mkdirSync(join(path, name), { recursive: true });
  writeFileSync(join(path, "config"), CONFIG);
  writeFileSync(join(path, "HEAD"), bytesFromBinary(`ref: ${head}\n`));
  return {
    path,
    writeFile: (name, content) => {
      const file = join(directory, name);
      writeFileSync(file, content, { mode: 0o600 });
      return file;
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
