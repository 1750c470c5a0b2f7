import { statSync } from "node:fs";
import { join } from "node:path";
import { readIfThere } from "../../base/file/read-if-there.ts";
import { type ListFolder, listEntries } from "../file/for-each-file.ts";
import { isObjectPoolPath } from "../locator/object-pool-path.ts";
import type { LocatedRepository } from "../locator/repository-locator.ts";
import {
  glanceAtRepository,
  type RepositoryInfo,
  readRepositoryInfo,
} from "../repository-info/repository-info.ts";
import type { RepositoryState } from "./optimization-plan.ts";

/** Looks at a repository for all that plans are made from. Throws an InspectionError. */
export async function readRepositoryState(
  repository: LocatedRepository,
  signal: AbortSignal,
  nowMs: number,
  list: ListFolder = listEntries,
): Promise<RepositoryState> {
  return stateOf(repository, await readRepositoryInfo(repository.path, signal, nowMs, list));
}

/** As `readRepositoryState`, at a small part of its cost: only estimates the loose objects. */
export async function glanceAtRepositoryState(
  repository: LocatedRepository,
  signal: AbortSignal,
): Promise<RepositoryState> {
  return stateOf(repository, await glanceAtRepository(repository.path, signal));
}

function stateOf({ path, relativePath }: LocatedRepository, info: RepositoryInfo): RepositoryState {
  return {
    ...info,
    isObjectPool: isObjectPoolPath(relativePath),
    reftableSizes: info.references.format === "reftable" ? readReftableSizes(path) : [],
  };
}

/** Tables may be joined meanwhile; those that are gone don't count. */
function readReftableSizes(path: string): number[] {
  const folder = join(path, "reftable");
  const names = readIfThere(join(folder, "tables.list"))?.toString().split("\n") ?? [];
  return names.flatMap((name) => {
    if (name === "") return [];
    const stats = statSync(join(folder, name), { throwIfNoEntry: false });
    return stats === undefined ? [] : [stats.size];
  });
}
