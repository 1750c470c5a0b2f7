import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { OperationService } from "../../src/proto/operations_pb.ts";
import { RefService } from "../../src/proto/ref_pb.ts";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import type { UserSchema } from "../../src/proto/shared_pb.ts";
import { type Channel, dial } from "../../src/rpc/client/channel.ts";
import { createClient } from "../../src/rpc/client/client.ts";
import { commitHeader, createFile } from "../../src/testing/commit-actions.ts";
import type { Forge } from "../acceptance/forge.ts";
import { GitClient } from "../acceptance/git-client.ts";
import { makeWorkTree } from "../acceptance/work-tree.ts";
import type { RefModel } from "./ref-model.ts";

/** How requests name the repository of a drill. */
export const DRILL_REPOSITORY = {
  storageName: "default",
  relativePath: "drill.git",
  glRepository: "project-1",
} as const;

/** On whose behalf drills change things. */
export const DRILL_USER: MessageInitShape<typeof UserSchema> = {
  glId: "user-1",
  glUsername: "janedoe",
  name: Buffer.from("Jane Doe"),
  email: Buffer.from("jane@example.com"),
};

/** No write of a drill takes this long, on however busy a machine. */
const WRITE_TIMEOUT_MS = 60_000;

/** One who writes again and again; a write that fails rejects. */
export interface Writer {
  readonly name: string;
  write(): Promise<void>;
}

/** The repository that drills write to, made by its first push. */
export interface WriteLoad {
  /** Git in the repository itself. */
  readonly served: GitClient;
  readonly writers: readonly Writer[];
  close(): Promise<void>;
}

/** Makes the repository, and four writers: commits, pushes over HTTP and SSH, deletions. */
export async function prepareWriteLoad(
  forge: Forge,
  folder: string,
  model: RefModel,
): Promise<WriteLoad> {
  const source = join(folder, "source");
  const base = await makeWorkTree(source, "sha1");
  await base.run("push", "-q", `${forge.http}/drill.git`, "main");
  const tip = await base.run("rev-parse", "main");
  model.acknowledge("refs/heads/main", tip);
  const clones = [join(folder, "http"), join(folder, "ssh")] as const;
  await base.run("clone", "-q", source, clones[0]);
  // What comes from a shallow clone goes through a git process and its hook programs.
  await base.run("clone", "-q", "--depth=1", `file://${source}`, clones[1]);
  const channel = dial(forge.grpcAddress);
  return {
    served: new GitClient({ cwd: join(forge.storagePath, "drill.git") }),
    writers: [
      committer(channel, model),
      pusher(`${forge.http}/drill.git`, clones[0], model, "http"),
      pusher(`${forge.ssh}/drill.git`, clones[1], model, "ssh"),
      deleter(channel, model, tip),
    ],
    close: () => channel.close(),
  };
}

function committer(channel: Channel, model: RefModel): Writer {
  const operations = createClient(OperationService, channel);
  const ref = "refs/heads/commits";
  let count = 0;
  const write = async (): Promise<void> => {
    count += 1;
    const head = commitHeader({
      repository: DRILL_REPOSITORY,
      user: DRILL_USER,
      branchName: Buffer.from("commits"),
      commitMessage: Buffer.from(`commit ${count}`),
    });
    const file = createFile(`folder-${count % 7}/file-${count}`, `content ${count}`);
    model.intend(ref, { childOf: model.target(ref) });
    const options = { timeoutMs: WRITE_TIMEOUT_MS };
    const { branchUpdate } = await operations.userCommitFiles([head, ...file], options);
    if (branchUpdate === undefined) throw new Error("no branch update");
    model.acknowledge(ref, branchUpdate.commitId);
  };
  return { name: "commits", write };
}

function pusher(url: string, clone: string, model: RefModel, name: string): Writer {
  const git = new GitClient({ cwd: clone });
  const ref = `refs/heads/pushed-${name}`;
  let count = 0;
  const write = async (): Promise<void> => {
    count += 1;
    await git.run("commit", "-q", "--allow-empty", "-m", `${name} ${count}`);
    const tip = await git.run("rev-parse", "HEAD");
    model.intend(ref, { target: tip });
    await git.run("push", "-q", url, `+HEAD:${ref}`);
    model.acknowledge(ref, tip);
  };
  return { name, write };
}

function deleter(channel: Channel, model: RefModel, tip: string): Writer {
  const repositories = createClient(RepositoryService, channel);
  const refs = createClient(RefService, channel);
  const options = { timeoutMs: WRITE_TIMEOUT_MS };
  let count = 0;
  const write = async (): Promise<void> => {
    count += 1;
    const names = [0, 1, 2].map((index) => `refs/heads/doomed-${count % 5}-${index}`);
    for (const ref of names) {
      model.intend(ref, { target: tip });
      const change = { ref: Buffer.from(ref), revision: Buffer.from(tip) };
      await repositories.writeRef({ repository: DRILL_REPOSITORY, ...change }, options);
      model.acknowledge(ref, tip);
    }
    for (const ref of names) model.intend(ref, { target: undefined });
    const doomed = names.map((ref) => Buffer.from(ref));
    const { gitError } = await refs.deleteRefs(
      { repository: DRILL_REPOSITORY, refs: doomed },
      options,
    );
    if (gitError !== "") throw new Error(gitError);
    for (const ref of names) model.acknowledge(ref, undefined);
  };
  return { name: "deletions", write };
}
