import { statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { readIfThere } from "../../base/file/read-if-there.ts";
import { alternatesPath } from "../../git/object/alternates.ts";
import { during } from "./inspection-error.ts";

/** What a repository's alternates file says. */
export interface AlternatesInfo {
  /** Object directories as the file names them. */
  readonly objectDirectories: readonly string[];
  /** The same as absolute paths. */
  readonly absolutePaths: readonly string[];
  /** When the file last changed, in milliseconds since the epoch. */
  readonly modifiedMs: number;
}

/** Reads the alternates file of the repository at `repositoryPath`; undefined when it has none. */
export function readAlternatesInfo(repositoryPath: string): AlternatesInfo | undefined {
  const objects = join(repositoryPath, "objects");
  const path = alternatesPath(objects);
  const text = during("read alternates file", () => readIfThere(path)?.toString());
  if (text === undefined) return undefined;
  const { mtimeMs } = during("stat", () => statSync(path));
  const lines = text.split(/\r?\n/);
  const objectDirectories = lines.filter((line) => line !== "" && !line.startsWith("#"));
  return {
    objectDirectories,
    absolutePaths: objectDirectories.map((directory) =>
      isAbsolute(directory) ? directory : join(objects, directory),
    ),
    modifiedMs: mtimeMs,
  };
}
