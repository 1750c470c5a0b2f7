import { DomainError } from "../../base/error/domain-error.ts";
import { objectIdProblem } from "../../git/oid/object-id-problem.ts";
import { type ObjectFormat, type Oid, parseOid } from "../../git/oid/oid.ts";
import { textFromBinary } from "../../git/ref/binary-string.ts";
import { internal } from "../../rpc/rpc-error.ts";

/** One of the versions of a file that can't be merged; the path is a binary string. */
export interface ConflictingFile {
  readonly path: string;
  readonly mode: number;
  readonly stage: 1 | 2 | 3;
}

/** Two sides of a merge contradict each other. */
export class MergeConflictError extends DomainError {
  /** What git has made of the merge: the files in conflict have markers. */
  readonly tree: Oid;
  readonly files: readonly ConflictingFile[];
  /** The files that are in conflict, each once, binary strings. Some conflicts have none. */
  readonly paths: readonly string[];

  constructor(tree: Oid, paths: readonly string[], files: readonly ConflictingFile[] = []) {
    super("unknown", "merge: there are conflicting files");
    this.tree = tree;
    this.files = files;
    this.paths = paths;
  }
}

/**
 * Parses what `git merge-tree -z` prints of a merge with conflicts.
 *
 * @param output a binary string
 * @param namesOnly whether git was told to print no more than names
 */
export function parseMergeConflict(
  output: string,
  format: ObjectFormat,
  namesOnly: boolean,
): MergeConflictError {
  const end = output.indexOf("\0\0");
  if (end < 0) throw internal(`couldn't parse merge tree output: ${textFromBinary(output)}`);
  const [id = "", ...lines] = output.slice(0, end).split("\0");
  const tree = parseMergedTree(id, format);
  if (namesOnly) return new MergeConflictError(tree, lines);
  const files = lines.map(parseFile);
  return new MergeConflictError(tree, [...new Set(files.map(({ path }) => path))], files);
}

/** Parses the id of the tree that a merge has led to. */
export function parseMergedTree(id: string, format: ObjectFormat): Oid {
  const tree = parseOid(id);
  const problem = objectIdProblem(id, format);
  if (tree !== undefined && problem === undefined) return tree;
  throw internal(`hex to oid: ${problem}`);
}

function parseFile(line: string): ConflictingFile {
  const [, mode = "", stage, path = ""] = /^(\d+) [0-9a-f]+ ([123])\t([^\t]+)$/.exec(line) ?? [];
  if (stage !== "1" && stage !== "2" && stage !== "3") {
    throw internal(`parsing conflicting file info: ${textFromBinary(line)}`);
  }
  return { path, mode: Number.parseInt(mode, 8), stage: STAGES[stage] };
}

const STAGES = { 1: 1, 2: 2, 3: 3 } as const;
