import { closeSync, openSync, writeSync } from "node:fs";
import { encodeLooseObject } from "../../git/object/loose-encoding.ts";
import type { ObjectType } from "../../git/object/object-type.ts";

/** Mode of an object's file, before the umask. */
export const LOOSE_OBJECT_MODE = 0o444;

/** Writes the file of a small loose object, at a path where there is none. It isn't synced. */
export function writeLooseFile(path: string, type: ObjectType, content: Uint8Array): void {
  const file = openLooseFile(path, type, content);
  closeSync(file);
}

/** As `writeLooseFile`; the file is still open. */
export function openLooseFile(path: string, type: ObjectType, content: Uint8Array): number {
  const file = openSync(path, "wx", LOOSE_OBJECT_MODE);
  try {
    const data = encodeLooseObject(type, content);
    for (let start = 0; start < data.length; ) start += writeSync(file, data, start);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}
