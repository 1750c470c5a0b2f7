/** Where a client's repository is, as the RPCs name it. */
export interface RepositoryName {
  readonly storageName: string;
  /** Ends in `.git`. */
  readonly relativePath: string;
}

/** Longest path of a repository in a URL, in UTF-16 units. */
const PATH_LENGTH_MAX = 1024;

/** Letters, digits and a few signs; no part is empty, hidden, or could be an option. */
const PART = /^[\p{L}\p{N}_][\p{L}\p{N}_.+~-]*$/u;

/**
 * Turns the path of a URL such as `/group/project.git` into a repository's name; the `.git` may be
 * left out. Returns undefined when a part of it is not acceptable.
 */
export function parseRepositoryPath(storageName: string, path: string): RepositoryName | undefined {
  const trimmed = path.replace(/^\/+/, "").replace(/\/+$/, "");
  if (trimmed === "" || trimmed.length > PATH_LENGTH_MAX) return undefined;
  const parts = trimmed.replace(/\.git$/, "").split("/");
  // A lock or a nested repository's inside would be taken for a repository.
  const bad = (part: string): boolean => !PART.test(part) || /\.(git|lock)$/.test(part);
  if (parts.some(bad)) return undefined;
  return { storageName, relativePath: `${parts.join("/")}.git` };
}
