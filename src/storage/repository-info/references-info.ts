import { statSync } from "node:fs";
import { join } from "node:path";
import type { RefFormat } from "../../git/repository/repository-format.ts";
import { forEachFile, type ListFolder, listEntries } from "../file/for-each-file.ts";
import { readRefFormat } from "../repository/ref-format.ts";
import { during, duringAsync } from "./inspection-error.ts";

/** How a repository stores its references. */
export interface ReferencesInfo {
  readonly format: RefFormat;
  /** Number of files below `refs/`; 0 for reftables. */
  readonly looseCount: number;
  /** Size of the packed-refs file in bytes; 0 for reftables. */
  readonly packedSize: number;
}

/** Looks at the references of the repository at `repositoryPath`. */
export async function readReferencesInfo(
  repositoryPath: string,
  signal: AbortSignal,
  list: ListFolder = listEntries,
): Promise<ReferencesInfo> {
  const format = during("reference backend", () => readRefFormat(repositoryPath));
  if (format === "reftable") return { format, looseCount: 0, packedSize: 0 };
  let looseCount = 0;
  const count = (): void => {
    looseCount++;
  };
  await duringAsync("counting loose refs", signal, () =>
    forEachFile(join(repositoryPath, "refs"), count, signal, list),
  );
  const packedSize = during("getting packed-refs size", () => {
    return statSync(join(repositoryPath, "packed-refs"), { throwIfNoEntry: false })?.size ?? 0;
  });
  return { format, looseCount, packedSize };
}
