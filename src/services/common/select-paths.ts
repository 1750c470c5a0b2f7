import { PathSelection } from "../../git/graph/path-selection.ts";

/** What makes a pathspec more than a path: wildcards, and a colon that begins its magic. */
const PATTERN = /^:|[*?[\\]/;

/**
 * The files and folders that the paths of a request mean; undefined when there are none.
 *
 * @param isLiteral whether patterns are taken for paths
 */
export function selectPaths(
  paths: readonly Uint8Array[],
  isLiteral: boolean,
): PathSelection | undefined | "ask-git" {
  if (paths.length === 0) return undefined;
  const isPlain = paths.every((path) => path.length > 0 && (isLiteral || !isPattern(path)));
  return (isPlain ? PathSelection.parse(paths) : undefined) ?? "ask-git";
}

function isPattern(path: Uint8Array): boolean {
  return PATTERN.test(Buffer.from(path).toString("latin1"));
}
