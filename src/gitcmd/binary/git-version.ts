/** The version of a git, as `git version` prints it. */
export interface GitVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** What follows `git version `, such as `2.55.0.rc1`. */
  readonly text: string;
}

/** Reads the output of `git version`; undefined when it is something else. */
export function parseGitVersion(output: string): GitVersion | undefined {
  const match = /^git version ((\d+)\.(\d+)(?:\.(\d+))?.*)/.exec(output);
  const [, text, major, minor, patch] = match ?? [];
  if (text === undefined) return undefined;
  return { major: Number(major), minor: Number(minor), patch: Number(patch ?? 0), text };
}

/** Is `version` at least `major.minor`? */
export function reachesVersion(version: GitVersion, major: number, minor: number): boolean {
  return version.major > major || (version.major === major && version.minor >= minor);
}
