import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A fresh repository has about ten entries; one with more is made from a template of its own. */
const ENTRIES_MAX = 32;
const FILE_BYTES_MAX = 4096;

/** The reference that a fresh repository may differ in from others of its kind. */
const HEAD = "HEAD";

interface TemplateEntry {
  /** From the repository's directory. Directories come before what is in them. */
  readonly path: string;
  readonly mode: number;
  /** Undefined for a directory. */
  readonly content: Buffer | undefined;
}

/** All that `git init` makes in a directory. */
export type RepositoryTemplate = readonly TemplateEntry[];

/**
 * Reads what a fresh repository consists of; undefined when there is more, or something else, than
 * `git init` makes for references stored as files.
 */
export function readTemplate(root: string): RepositoryTemplate | undefined {
  const entries: TemplateEntry[] = [];
  const folders = [""];
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    for (const name of readdirSync(join(root, folder)).sort()) {
      const path = join(folder, name);
      const entry = readEntry(root, path);
      if (entry === undefined || entries.length === ENTRIES_MAX) return undefined;
      entries.push(entry);
      if (entry.content === undefined) folders.push(path);
    }
  }
  const head = entries.find(({ path }) => path === HEAD)?.content?.toString("latin1");
  const isUsual = head?.startsWith("ref: refs/heads/") === true && head !== INVALID_HEAD;
  return isUsual ? entries : undefined;
}

/** What git writes when HEAD is stored elsewhere. */
const INVALID_HEAD = "ref: refs/heads/.invalid\n";

function readEntry(root: string, path: string): TemplateEntry | undefined {
  const stats = lstatSync(join(root, path));
  const mode = stats.mode & 0o777;
  if (stats.isDirectory()) return { path, mode, content: undefined };
  if (!stats.isFile() || stats.size > FILE_BYTES_MAX) return undefined;
  return { path, mode, content: readFileSync(join(root, path)) };
}

/**
 * Makes the same repository in an empty directory.
 *
 * @param branch the full name of the reference that HEAD names; undefined for that of the template
 */
export function applyTemplate(
  template: RepositoryTemplate,
  root: string,
  branch: string | undefined,
): void {
  for (const { path, mode, content } of template) {
    if (content === undefined) {
      mkdirSync(join(root, path), { mode });
    } else {
      const isHead = path === HEAD && branch !== undefined;
      writeFileSync(join(root, path), isHead ? `ref: ${branch}\n` : content, { mode, flag: "wx" });
    }
  }
}
