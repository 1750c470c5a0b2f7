import type { GitVersion } from "./git-version.ts";

/** The git that a server runs. */
export interface GitBinary {
  /** Absolute path. */
  readonly path: string;
  readonly version: GitVersion;
  /** Variables that this git needs in its environment. */
  readonly env: Readonly<Record<string, string>>;
}
