import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emptyBlobId, encodeEmptyBlob } from "../../git/diff/empty-blob.ts";
import type { ObjectFormat } from "../../git/oid/oid.ts";

/** An object directory that is there for a while. */
export interface TemporaryObjects extends AsyncDisposable {
  readonly path: string;
}

/** Makes an object directory with nothing but the empty blob. Disposing removes it. */
export async function createEmptyBlobDirectory(format: ObjectFormat): Promise<TemporaryObjects> {
  const path = await mkdtemp(join(tmpdir(), "gitaly-objects-"));
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true });
  try {
    const oid = emptyBlobId(format);
    await mkdir(join(path, oid.slice(0, 2)));
    await writeFile(join(path, oid.slice(0, 2), oid.slice(2)), encodeEmptyBlob());
  } catch (error) {
    await remove();
    throw error;
  }
  return { path, [Symbol.asyncDispose]: remove };
}
