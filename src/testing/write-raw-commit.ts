import type { TestRepository } from "./git-repository.ts";

/** Writes a commit of the empty tree, with further headers as they are given; returns its id. */
export function writeRawCommit(
  { gitLine }: TestRepository,
  { headers = "", message = "message\n" }: { readonly headers?: string; readonly message?: string },
): string {
  const tree = gitLine(["mktree"]);
  const person = "<author@example.com> 1700000000 +0000";
  const input = `tree ${tree}\nauthor A U Thor ${person}\ncommitter C O Mitter ${person}\n${headers}\n${message}`;
  return gitLine(["hash-object", "-t", "commit", "-w", "--stdin", "--literally"], { input });
}
