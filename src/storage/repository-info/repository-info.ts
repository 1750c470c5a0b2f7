import { type ListFolder, listEntries } from "../file/for-each-file.ts";
import { type AlternatesInfo, readAlternatesInfo } from "./alternates-info.ts";
import { type CommitGraphInfo, readCommitGraphInfo } from "./commit-graph-info.ts";
import { during, duringAsync } from "./inspection-error.ts";
import {
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
  return {
    looseObjects: await duringAsync("counting loose objects", signal, () =>
      readLooseObjectsInfo(path, nowMs - STALE_AFTER_MS, signal, list),
    ),
    packfiles: during("counting packfiles", () => readPackfilesInfo(path)),
    references: await duringAsync("checking references", signal, () =>
      readReferencesInfo(path, signal, list),
    ),
    commitGraph: during("checking commit-graph info", () => readCommitGraphInfo(path)),
    // The misspelt word is part of what clients know.
    alternates: during("reading alterantes", () => readAlternatesInfo(path)),
  };
}
