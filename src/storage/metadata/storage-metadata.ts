import { randomUUID } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { writeFileAtomically } from "../file/write-file-atomically.ts";

/** The file at the root of a storage that tells it from other storages. */
export const METADATA_FILE = ".gitaly-metadata";

/** The file that identifies a storage isn't what we write. */
export class StorageMetadataError extends DomainError {
  constructor(path: string, options: { readonly cause?: unknown } = {}) {
    super("unknown", "storage metadata is damaged", { ...options, metadata: { path } });
  }
}

/** Gives the storage at `storagePath` a random id, unless it has one. */
export async function ensureStorageMetadata(storagePath: string): Promise<void> {
  const path = join(storagePath, METADATA_FILE);
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return;
  await writeFileAtomically(path, `${JSON.stringify({ gitaly_filesystem_id: randomUUID() })}\n`);
}

/**
 * Reads the id of the storage at `storagePath`: two storages with the same id share a disk.
 *
 * Throws a StorageMetadataError, or the failure of the operating system.
 */
export function readFilesystemId(storagePath: string): string {
  const path = join(storagePath, METADATA_FILE);
  const metadata = parseObject(readFileSync(path, "utf8"), path);
  const id = metadata["gitaly_filesystem_id"] ?? "";
  if (typeof id !== "string") throw new StorageMetadataError(path);
  return id;
}

function parseObject(text: string, path: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new StorageMetadataError(path, { cause });
  }
  if (typeof value !== "object" || value === null) throw new StorageMetadataError(path);
  return { ...value };
}
