import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import type { Oid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import { outputLines } from "../common/output-lines.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";

const NAMES = [
  "linguist-documentation",
  "linguist-detectable",
  "linguist-generated",
  "linguist-vendored",
  "linguist-language",
] as const;

/** What `.gitattributes` say of a file: `set`, `unset` or a value; nothing when unspecified. */
export type FileAttributes = ReadonlyMap<string, string>;

/**
 * Finds what the attributes of a commit say about files, by path. Git is asked only when there are
 * any attributes.
 *
 * @param all all paths of the commit, as binary strings
 * @param wanted those that are asked about
 */
export async function linguistAttributes(
  { located }: OpenedRepository,
  commit: Oid,
  all: Iterable<string>,
  wanted: readonly string[],
  { git, gitCall }: RevisionNeeds,
): Promise<Map<string, FileAttributes>> {
  const attributes = new Map<string, Map<string, string>>();
  if (wanted.length === 0 || !hasAttributes(located.path, all)) return attributes;
  const stdin = bytesFromBinary(wanted.map((path) => `${path}\0`).join(""));
  const flags = ["--stdin", "-z", `--source=${commit}`];
  const command = { name: "check-attr", flags, args: NAMES } as const;
  const fields: string[] = [];
  for await (const field of outputLines(git.stream(located, command, { ...gitCall(), stdin }), 0)) {
    fields.push(field);
    if (fields.length < 3) continue;
    const [path = "", name = "", value = ""] = fields.splice(0);
    if (value === "unspecified") continue;
    const known = attributes.get(path) ?? new Map<string, string>();
    attributes.set(path, known.set(name, value));
  }
  return attributes;
}

function hasAttributes(repositoryPath: string, paths: Iterable<string>): boolean {
  for (const path of paths) if (posix.basename(path) === ".gitattributes") return true;
  return existsSync(join(repositoryPath, "info", "attributes"));
}
