import type { SpecialFile } from "./canonical-tree.ts";

/** Longest line of a `.gitattributes` that git reads (gitattributes: 2048 bytes). */
const LINE_BYTES_MAX = 2047;

/** Files above this are left to git. */
const FILE_BYTES_MAX = 128 * 1024;

/** The plain form of what stands in a `.gitmodules`: neither quotes nor escapes nor commands. */
const MODULES_LINE =
  /^(?:\[submodule "[A-Za-z0-9_][A-Za-z0-9_/-]*(?:\.[A-Za-z0-9_/-]+)*"\]|\t(?:path = [A-Za-z0-9_][A-Za-z0-9_./-]*|url = https:\/\/[a-z0-9][a-z0-9.-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]*)+|branch = [A-Za-z0-9_][A-Za-z0-9_./-]*))$/;

/** Whether git surely has nothing to say about a file that it reads itself. */
export function isCanonicalSpecialFile(kind: SpecialFile, content: Buffer): boolean {
  if (content.length > FILE_BYTES_MAX || content.includes(0)) return false;
  const lines = content.toString("latin1").split("\n");
  if (kind === "gitattributes") return lines.every((line) => line.length <= LINE_BYTES_MAX);
  if (lines.pop() !== "") return false;
  return lines.every((line) => MODULES_LINE.test(line));
}
