import { commitFiles } from "./commit-files.ts";
import type { TestRepository } from "./git-repository.ts";

/** References and their histories: names of commits, oldest first, such as `1>2`. */
export type RefHistories = Readonly<Record<string, string>>;

/** Makes references whose commits have these names; commits of the same history are the same. */
export function writeRefHistories(repository: TestRepository, refs: RefHistories = {}): void {
  for (const [ref, history] of Object.entries(refs)) {
    let parents: string[] = [];
    for (const name of history.split(">")) {
      parents = [commitFiles(repository, { file: name }, parents, name)];
    }
    repository.git(["update-ref", ref, parents[0] ?? ""]);
  }
}

/** The name of the last commit of each reference. */
export function lastCommits({ gitLines }: TestRepository): RefHistories {
  const lines = gitLines(["for-each-ref", "--format=%(refname) %(contents:subject)"]);
  return Object.fromEntries(lines.map((line) => line.split(" ", 2)));
}
