import type { TestContext } from "node:test";
import { changeFiles } from "./change-files.ts";
import {
  type GitlabAnswers,
  type OperationServer,
  startOperationServer,
} from "./operation-server.ts";
import type { ServedRepository } from "./test-server.ts";

type Files = Parameters<typeof changeFiles>[1];

/** A repository whose branches `main` and `topic` have gone different ways. */
export interface MergeScene {
  readonly server: OperationServer;
  readonly repository: ServedRepository;
  /** How requests name the repository. */
  readonly address: ReturnType<OperationServer["address"]>;
  /** The commit that both branches begin with: `a.txt`, `folder/b.txt` and `folder/c.txt`. */
  readonly base: string;
  readonly main: string;
  readonly topic: string;
  /** The commit that a branch names, `main` without one. */
  tip(branch?: string): string;
  /** What a file has in it. */
  content(revision: string, path: string): string;
}

interface MergeSceneOptions {
  readonly format?: "sha1" | "sha256";
  readonly answers?: GitlabAnswers;
  /** What `main` has changed; `a.txt` by default. */
  readonly ours?: Files;
  /** What `topic` has changed; `folder/b.txt` by default. */
  readonly theirs?: Files;
}

/** Starts a server with two branches to merge, pick from or rebase. */
export async function prepareMerge(
  t: TestContext,
  {
    format = "sha1",
    answers = {},
    ours = { "a.txt": "ours\n" },
    theirs = { "folder/b.txt": "theirs\n" },
  }: MergeSceneOptions = {},
): Promise<MergeScene> {
  const server = await startOperationServer(t, answers);
  const repository = server.repository({ format });
  const files = { "a.txt": "a\n", "folder/b.txt": "b\n", "folder/c.txt": "1\n2\n3\n4\n5\n" };
  const base = changeFiles(repository, files);
  repository.git(["update-ref", "refs/heads/topic", base]);
  const main = changeFiles(repository, ours, { message: "ours\n" });
  const topic = changeFiles(repository, theirs, { ref: "refs/heads/topic", message: "theirs\n" });
  return {
    ...{ server, repository, address: server.address(repository), base, main, topic },
    tip: (branch = "main") => repository.gitLine(["rev-parse", `refs/heads/${branch}`]),
    content: (revision, path) => repository.git(["show", `${revision}:${path}`]).toString(),
  };
}
