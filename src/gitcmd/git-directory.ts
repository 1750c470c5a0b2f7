import type { ObjectFormat } from "../git/oid/oid.ts";

/** The repository that a git process works on. Made by whoever has located and checked it. */
export interface GitDirectory {
  /** Absolute path of the git directory. */
  readonly path: string;
  /** Lets commands that don't need attributes skip them cheaply when known. */
  readonly objectFormat?: ObjectFormat;
  /** Where new objects go instead of `objects/`: the absolute path of a quarantine. */
  readonly objectDirectory?: string;
  /** Absolute paths of further object directories to read from; set along with a quarantine. */
  readonly alternateObjectDirectories?: readonly string[];
  /** Absolute path of a working tree to run in; git then finds the git directory from there. */
  readonly worktree?: string;
  /** Names of the repository in requests, for hooks, logs and limits. */
  readonly storageName?: string;
  readonly relativePath?: string;
  readonly glRepository?: string;
}
