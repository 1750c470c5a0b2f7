import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import { SSHService } from "../../src/proto/ssh_pb.ts";
import type { Channel } from "../../src/rpc/client/channel.ts";
import { createClient } from "../../src/rpc/client/client.ts";
import type { PlainGit } from "../process/plain-git.ts";
import type { PlacedRepository } from "../repository/provide-repository.ts";
import { type PushedRef, pushCommand } from "../rpc/push-stream.ts";
import { WRITING_USER } from "../rpc/writing-user.ts";
import type { Target } from "../target/target.ts";

/** Branches that the pushes go to in turns; the default branch gets all of them in the end. */
const BRANCHES = 200;
const DEFAULT_BRANCH = "refs/heads/main";

/** A target whose storage lies on this machine, and the way there. */
export interface LocalTarget {
  readonly target: Target & { readonly storagePath: string };
  readonly channel: Channel;
}

/** Has a target make a repository, and pushes the first commits of another one to it, one by one. */
export async function pushRepository(
  git: PlainGit,
  source: string,
  { target, channel }: LocalTarget,
  pushCount: number,
): Promise<PlacedRepository> {
  const runId = randomBytes(4).toString("hex");
  const relativePath = `bench/${runId}.git`;
  const repository = { storageName: target.storageName, relativePath, glRepository: "project-1" };
  const defaultBranch = Buffer.from("main");
  await createClient(RepositoryService, channel).createRepository({ repository, defaultBranch });
  const flags = ["--topo-order", "--reverse", "--parents"];
  const rows = git.lines(["-C", source, "rev-list", ...flags, "HEAD"]).slice(0, pushCount);
  const { glId, glUsername } = WRITING_USER;
  const push = async (change: PushedRef, pack: Buffer): Promise<void> => {
    const stdin = Buffer.concat([pushCommand([change]), pack]);
    const requests = [{ repository, glId, glUsername }, { stdin }];
    let answer = "";
    for await (const { stdout } of createClient(SSHService, channel).sSHReceivePack(requests)) {
      answer += Buffer.from(stdout).toString("latin1");
    }
    if (!answer.includes("unpack ok") || answer.includes("ng refs/")) {
      throw new Error(`${target.name} refused a push: ${answer}`);
    }
  };
  const tips = new Map<string, string>();
  for (const [index, row] of rows.entries()) {
    const [commit = "", ...parents] = row.split(" ");
    const isLast = index === rows.length - 1;
    const ref = isLast ? DEFAULT_BRANCH : `refs/heads/branch-${index % BRANCHES}`;
    const old = tips.get(ref);
    await push({ ref, commit, ...(old && { old }) }, thinPack(git, source, commit, parents));
    tips.set(ref, commit);
  }
  const remove = async (): Promise<void> => {
    await createClient(RepositoryService, channel).removeRepository({ repository });
  };
  const path = join(target.storagePath, relativePath);
  return { relativePath, runId, path, [Symbol.asyncDispose]: remove };
}

/** What a client sends that knows that the server has the parents. */
function thinPack(
  git: PlainGit,
  source: string,
  commit: string,
  parents: readonly string[],
): Buffer {
  const flags = ["--revs", "--thin", "--stdout", "--delta-base-offset", "-q"];
  const input = [commit, ...parents.map((parent) => `^${parent}`)].join("\n");
  return git.bytes(["-C", source, "pack-objects", ...flags], `${input}\n`);
}
