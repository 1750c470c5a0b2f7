import { binaryFromBytes, textFromBinary } from "../../git/ref/binary-string.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { CommitService } from "../../proto/commit_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { gitCall } from "../common/git-call.ts";
import { isDamage } from "../common/git-failure.ts";
import {
  type OpenedRepository,
  openRepository,
  type ReadNeeds,
} from "../common/open-repository.ts";
import { resolveTips } from "../common/walk-tips.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type CountDivergingCommits = Handler<typeof CommitService.method.countDivergingCommits>;

interface Counts {
  readonly leftCount: number;
  readonly rightCount: number;
}

/** Counts the commits that only one of two revisions reaches; with a limit, among the latest ones. */
export function countDivergingCommits(needs: Needs): CountDivergingCommits {
  return async ({ repository: address, from, to, maxCount }, call) => {
    if (from.length === 0 || to.length === 0) {
      throw invalidArgument("from and to are both required");
    }
    const repository = openRepository(needs, address, call);
    const range = `${binaryFromBytes(from)}...${binaryFromBytes(to)}`;
    const counts = await count(repository, range, maxCount, call.signal);
    return counts ?? askGit(needs, repository, range, maxCount, call);
  };
}

async function count(
  repository: OpenedRepository,
  range: string,
  maxCount: number,
  signal: AbortSignal,
): Promise<Counts | undefined> {
  const tips = await resolveTips(repository, [range], signal);
  if (tips === undefined) return undefined;
  const counts = { leftCount: 0, rightCount: 0 };
  const walk = { tips, limit: maxCount > 0 ? maxCount : undefined };
  try {
    for await (const { isLeft } of repository.history.walk(walk, signal)) {
      counts[isLeft ? "leftCount" : "rightCount"]++;
    }
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
  return counts;
}

async function askGit(
  { git }: Needs,
  { located }: OpenedRepository,
  range: string,
  maxCount: number,
  call: Call,
): Promise<Counts> {
  const limit = maxCount === 0 ? [] : [`--max-count=${maxCount}`];
  const flags = ["--count", "--left-right", ...limit];
  const command = { name: "rev-list", flags, args: [textFromBinary(range)] } as const;
  try {
    const { stdout } = await git.run(located, command, {
      ...gitCall(call),
      fallback: "history",
    });
    const [left, right] = stdout.toString("latin1").trim().split("\t");
    return { leftCount: Number(left), rightCount: Number(right) };
  } catch (error) {
    if (error instanceof GitExitError) {
      throw internal(`gi rev-list error: ${error.message}`, { cause: error });
    }
    throw wrapError("internal", "git rev-list cmd", error);
  }
}
