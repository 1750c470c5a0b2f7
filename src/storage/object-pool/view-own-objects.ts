import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { DIRECTORY_MODE } from "../repository/create-repository.ts";

/** A directory that is removed when it is disposed of. */
export interface ObjectView extends AsyncDisposable {
  /** An object directory. */
  readonly path: string;
}

/**
 * Makes an object directory with the repository's own objects, but without those that it borrows:
 * it tells what would be there if it borrowed no more.
 *
 * @param folder where temporary directories are made
 */
export async function viewOwnObjects(repositoryPath: string, folder: string): Promise<ObjectView> {
  await mkdir(folder, { recursive: true, mode: DIRECTORY_MODE });
  const path = await mkdtemp(join(folder, "objects-"));
  const view = {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
  try {
    const objects = join(repositoryPath, "objects");
    for (const name of await readdir(objects)) {
      if (/^(pack|[0-9a-f]{2})$/.test(name)) await symlink(join(objects, name), join(path, name));
    }
    return view;
  } catch (error) {
    await view[Symbol.asyncDispose]();
    throw error;
  }
}
