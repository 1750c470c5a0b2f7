import { isUtf8 } from "node:buffer";
import { bytesFromBinary } from "../ref/binary-string.ts";

/** Names that no entry of a tree may have because some file system takes them for `.git`. */
export function isGitFolderName(name: string): boolean {
  if (!mayBeProtected(name)) return false;
  return isHfsName(name, "git") || backslashParts(name).some((part) => NTFS_GIT_FOLDER.test(part));
}

/** Git reads files with these names, so they must not be symbolic links. */
export function isGitFileName(name: string): boolean {
  if (!mayBeProtected(name)) return false;
  if (GIT_FILES.some((file) => isHfsName(name, file.name) || file.ntfs.test(name))) return true;
  const [, ...parts] = backslashParts(name);
  return parts.some((part) => GIT_MODULES.ntfs.test(part));
}

/** Nearly all names are none of these at first sight. */
function mayBeProtected(name: string): boolean {
  return /^[.gm~]|[\\\x80-\xff]/i.test(name);
}

/** The name, and what a backslash makes a name of its own. */
function backslashParts(name: string): string[] {
  const parts = [name];
  for (let index = name.indexOf("\\"); index >= 0; index = name.indexOf("\\", index + 1)) {
    parts.push(name.slice(index + 1));
  }
  return parts;
}

const NTFS_GIT_FOLDER = /^(?:\.git|git~1)[. ]*(?:$|[/\\:])/i;

interface GitFile {
  readonly name: string;
  readonly ntfs: RegExp;
}

const GIT_MODULES: GitFile = { name: "gitmodules", ntfs: ntfsPattern("gitmodules", "gi7eba") };

const GIT_FILES: readonly GitFile[] = [
  GIT_MODULES,
  { name: "gitattributes", ntfs: ntfsPattern("gitattributes", "gi7d29") },
  { name: "gitignore", ntfs: ntfsPattern("gitignore", "gi250a") },
  { name: "mailmap", ntfs: ntfsPattern("mailmap", "maba30") },
];

/** A long name, the short one that NTFS makes of it first, and those that it falls back to. */
function ntfsPattern(name: string, fallback: string): RegExp {
  const names = [`\\.${name}`, `${name.slice(0, 6)}~[1-4]`];
  for (let length = 0; length <= fallback.length; length++) {
    names.push(`${fallback.slice(0, length)}~[1-9][0-9]{${fallback.length - length}}`);
  }
  return new RegExp(`^(?:${names.join("|")})[ .]*(?:$|:)`, "i");
}

/** Code points that HFS+ doesn't see. */
const INVISIBLE = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/gu;

/** Whether HFS+ takes the name for a dot and `word`. A malformed character ends the name. */
function isHfsName(name: string, word: string): boolean {
  const bytes = bytesFromBinary(name);
  const text = bytes.toString("utf8").replace(INVISIBLE, "");
  const prefix = text.slice(0, word.length + 1);
  if (prefix.toLowerCase() !== `.${word}` || !/^[\x20-\x7e]+$/.test(prefix)) return false;
  const next = text[word.length + 1];
  return next === undefined || next === "/" || (next === "\ufffd" && !isUtf8(bytes));
}
