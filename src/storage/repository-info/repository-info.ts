import type { Dirent } from "node:fs";
import { type ListFolder, listEntries } from "../file/for-each-file.ts";
import { type AlternatesInfo, readAlternatesInfo } from "./alternates-info.ts";
import { type CommitGraphInfo, readCommitGraphInfo } from "./commit-graph-info.ts";
import { during, duringAsync } from "./inspection-error.ts";
import {
  estimateLooseObjects,
  type LooseObjectsInfo,
  readLooseObjectsInfo,
  STALE_AFTER_MS,
} from "./loose-objects-info.ts";
import { type PackfilesInfo, readPackfilesInfo } from "./packfiles-info.ts";
import { type ReferencesInfo, readReferencesInfo } from "./references-info.ts";

/** How a repository is stored, as housekeeping and operators want to know it. */
export interface RepositoryInfo {
  readonly looseObjects: LooseObjectsInfo;
  readonly packfiles: PackfilesInfo;
  readonly references: ReferencesInfo;
  readonly commitGraph: CommitGraphInfo | undefined;
  readonly alternates: AlternatesInfo | undefined;
}

/** Looks at the repository at `path` without its object pool. Throws an InspectionError. */
export async function readRepositoryInfo(
  path: string,
  signal: AbortSignal,
  nowMs: number = Date.now(),
  list: ListFolder = listEntries,
): Promise<RepositoryInfo> {
  const looseObjects = await duringAsync("counting loose objects", signal, () =>
    readLooseObjectsInfo(path, nowMs - STALE_AFTER_MS, signal, list),
  );
  return { looseObjects, ...(await readOthers(path, signal, list)) };
}

/**
 * As `readRepositoryInfo`, but only estimates how many loose objects there are, and counts no lock as
 * a loose reference.
 */
export async function glanceAtRepository(
  path: string,
  signal: AbortSignal,
): Promise<RepositoryInfo> {
  const looseObjects = during("counting loose objects", () => estimateLooseObjects(path));
  return { looseObjects, ...(await readOthers(path, signal, listUnlocked)) };
}

/** Those who change many references hold as many locks for a moment. */
function listUnlocked(folder: string): Dirent[] {
  return listEntries(folder).filter(({ name }) => !name.endsWith(".lock"));
}

async function readOthers(
  path: string,
  signal: AbortSignal,
  list: ListFolder,
): Promise<Omit<RepositoryInfo, "looseObjects">> {
  return {
    packfiles: during("counting packfiles", () => readPackfilesInfo(path)),
    references: await duringAsync("checking references", signal, () =>
      readReferencesInfo(path, signal, list),
    ),
    commitGraph: during("checking commit-graph info", () => readCommitGraphInfo(path)),
    // The misspelt word is part of what clients know.
    alternates: during("reading alterantes", () => readAlternatesInfo(path)),
  };
}
