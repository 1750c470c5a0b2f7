import { link, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { forEachFile } from "../file/for-each-file.ts";
import { syncPath } from "../file/sync.ts";

/**
 * Links all objects of one object directory into another one of the same file system; what is
 * there already stays. Packs appear before their indexes, so that nobody finds half a pack.
 */
export async function linkObjects(
  source: string,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const from = binaryFromText(source);
  const files: string[] = [];
  await forEachFile(source, (path) => files.push(path.slice(from.length + 1)), signal);
  const objects = files.filter((name) => !name.startsWith("info/"));
  objects.sort((left, right) => priority(left) - priority(right));
  const folders = new Set<string>();
  for (const name of objects) {
    signal.throwIfAborted();
    const path = `${binaryFromText(target)}/${name}`;
    const folder = dirname(path);
    if (!folders.has(folder)) await mkdir(bytesFromBinary(folder), { recursive: true });
    folders.add(folder);
    await linkUnlessThere(bytesFromBinary(`${from}/${name}`), bytesFromBinary(path));
  }
  for (const folder of folders) await syncPath(Buffer.from(folder, "latin1").toString());
}

const PRIORITIES: readonly string[] = [".keep", ".pack", ".idx"];

function priority(name: string): number {
  if (!name.startsWith("pack")) return 0;
  const index = PRIORITIES.findIndex((extension) => name.endsWith(extension));
  return index === -1 ? PRIORITIES.length + 1 : index + 1;
}

async function linkUnlessThere(source: Uint8Array, target: Uint8Array): Promise<void> {
  try {
    await link(Buffer.from(source), Buffer.from(target));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}
