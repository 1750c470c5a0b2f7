import type { TestRepository } from "./git-repository.ts";

/** A file of a commit: its content, or its mode with its content or the object that stands there. */
export type TestFile =
  | string
  | { readonly mode: string; readonly content: string | Uint8Array }
  | { readonly mode: string; readonly oid: string };

const REF = "refs/keep-around/fixture";

/**
 * Writes a commit with these files and returns its id; no reference leads to it.
 *
 * @param files by path, a binary string: one byte per character
 */
export function commitFiles(
  { git, gitLine }: Pick<TestRepository, "git" | "gitLine">,
  files: Readonly<Record<string, TestFile>>,
  parents: readonly string[] = [],
  message = "message",
): string {
  const [first, ...others] = parents;
  const commit = [
    `commit ${REF}\ncommitter C O Mitter <committer@example.com> 1700000000 +0000\n`,
    `data ${Buffer.byteLength(message)}\n${message}\n`,
    first === undefined ? "" : `from ${first}\n`,
    ...others.map((parent) => `merge ${parent}\n`),
    "deleteall\n",
    ...Object.entries(files).flatMap(([path, file]) => command(quoted(path), file)),
  ];
  const input = Buffer.concat(commit.map((part) => Buffer.from(part)));
  git(["fast-import", "--quiet", "--force"], { input });
  const oid = gitLine(["rev-parse", REF]);
  git(["update-ref", "-d", REF]);
  return oid;
}

function command(path: string, file: TestFile): (string | Uint8Array)[] {
  if (typeof file === "string") return command(path, { mode: "100644", content: file });
  if ("oid" in file) return [`M ${file.mode} ${file.oid} ${path}\n`];
  const content = Buffer.from(file.content);
  return [`M ${file.mode} inline ${path}\ndata ${content.length}\n`, content, "\n"];
}

function quoted(path: string): string {
  const bytes = [...Buffer.from(path, "latin1")];
  return `"${bytes.map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("")}"`;
}
