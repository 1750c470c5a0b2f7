import { realpathSync } from "node:fs";
import { relative } from "node:path";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import type { HookEnvironment } from "../context/push-context.ts";

/** Where the objects of a push are until it is accepted, in paths relative to the repository. */
export interface QuarantinePaths {
  /** Empty without a quarantine. */
  readonly objectDirectory: string;
  /** Undefined without a quarantine. */
  readonly alternateObjectDirectories: readonly string[] | undefined;
}

/** Git's own quarantine, which its hooks' environment names, wins over the request's. */
export function quarantinePaths(
  repository: LocatedRepository,
  environment: HookEnvironment,
): QuarantinePaths {
  const directory = environment.get("GIT_OBJECT_DIRECTORY") ?? "";
  const alternates = environment.get("GIT_ALTERNATE_OBJECT_DIRECTORIES") ?? "";
  if (directory !== "" && alternates !== "") {
    // Git names absolute paths without symbolic links.
    const root = realpathSync(repository.path);
    return {
      objectDirectory: relativePath(root, directory),
      alternateObjectDirectories: alternates.split(":").map((path) => relativePath(root, path)),
    };
  }
  const { path, objectDirectory, alternateObjectDirectories } = repository;
  return {
    objectDirectory: objectDirectory === undefined ? "" : relativePath(path, objectDirectory),
    alternateObjectDirectories: alternateObjectDirectories?.map((other) =>
      relativePath(path, other),
    ),
  };
}

function relativePath(from: string, to: string): string {
  return relative(from, to) || ".";
}
