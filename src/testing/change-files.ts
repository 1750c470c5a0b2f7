import type { TestRepository } from "./git-repository.ts";

/** What stands at a path: a blob's content, an entry of another kind, or nothing any more. */
type TestFile = string | Buffer | { readonly mode: string; readonly content: string } | null;

interface ChangeOptions {
  readonly ref?: string;
  readonly message?: string | Buffer;
  /** Seconds since the epoch of author and committer. */
  readonly time?: number;
  /** More parents, beside the one that `ref` has named until now. */
  readonly merges?: readonly string[];
  /** Begins a history of its own. */
  readonly isRoot?: boolean;
}

/**
 * Changes files of a branch (`refs/heads/main` by default) and returns the commit. A file with a
 * mode of `160000` has a commit id for its content. Paths are binary strings.
 */
export function changeFiles(
  { gitLine, git, gitLines }: TestRepository,
  files: Readonly<Record<string, TestFile>>,
  options: ChangeOptions = {},
): string {
  const { ref = "refs/heads/main", message = "message", time = 1_700_000_000 } = options;
  const exists = gitLines(["for-each-ref", "--format=%(refname)", ref]).includes(ref);
  const text = Buffer.from(message);
  const parts: Buffer[] = [
    Buffer.from(`commit ${ref}\nauthor A U Thor <author@example.com> ${time} +0100\n`),
    Buffer.from(`committer C O Mitter <committer@example.com> ${time} +0000\n`),
    Buffer.from(`data ${text.length}\n`),
    text,
    Buffer.from("\n"),
  ];
  if (exists && options.isRoot !== true) parts.push(Buffer.from(`from ${ref}^0\n`));
  for (const merge of options.merges ?? []) parts.push(Buffer.from(`merge ${merge}\n`));
  for (const [path, file] of Object.entries(files)) parts.push(fileCommand(path, file));
  git(["fast-import", "--quiet", "--force"], { input: Buffer.concat(parts) });
  return gitLine(["rev-parse", ref]);
}

function fileCommand(path: string, file: TestFile): Buffer {
  const name = Buffer.from(quoted(path));
  if (file === null) return Buffer.concat([Buffer.from("D "), name, NEWLINE]);
  const { mode, content } =
    typeof file === "string" || Buffer.isBuffer(file) ? { mode: "100644", content: file } : file;
  if (mode === "160000") {
    return Buffer.concat([Buffer.from(`M 160000 ${content} `, "latin1"), name, NEWLINE]);
  }
  const bytes = Buffer.from(content);
  const head = Buffer.from(`M ${mode} inline `);
  const data = Buffer.from(`\ndata ${bytes.length}\n`);
  return Buffer.concat([head, name, data, bytes, NEWLINE]);
}

function quoted(path: string): string {
  const bytes = [...Buffer.from(path, "latin1")];
  return `"${bytes.map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("")}"`;
}

const NEWLINE = Buffer.from("\n");
