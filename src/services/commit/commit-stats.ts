import type { MessageInitShape } from "@bufbuild/protobuf";
import { countFilePairs } from "../../git/diff/tree/tree-difference.ts";
import { hashObject } from "../../git/object/object-hash.ts";
import type { ObjectFormat } from "../../git/oid/oid.ts";
import { parseRevision } from "../../git/revision/revision.ts";
import type { FallbackReason } from "../../gitcmd/fallback-reason.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { CommitService, CommitStatsResponseSchema } from "../../proto/commit_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { gitCommit } from "../common/git-commit.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { outputLines } from "../common/output-lines.ts";
import { readCommitObject } from "../common/read-commit.ts";
import { findObject } from "../common/resolve-revision.ts";
import {
  fallbackReason,
  getTree,
  HALF_SIMILAR,
  listTreePairs,
  openDiffContents,
  parentsOf,
} from "../common/tree-pairs.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type CommitStats = Handler<typeof CommitService.method.commitStats>;
type Counts = Required<
  Pick<
    MessageInitShape<typeof CommitStatsResponseSchema> & object,
    "additions" | "deletions" | "files"
  >
>;

/** Counts the lines and files that a commit changes, compared with its first parent. */
export function commitStats(needs: Needs): CommitStats {
  return async ({ repository: address, revision }, call) => {
    const located = locateRepository(needs.locator, address);
    const name = parseRevision(revision);
    const repository = openLocated(needs, located, call);
    const { objects } = repository;
    const gitOptions = lazyGitCall(call);
    const ask = { git: needs.git, gitCall: gitOptions };
    const found = await findObject(repository, `${name}^{commit}`, ask);
    const object = found && (await readCommitObject(objects, found, call.signal));
    if (object === undefined) throw new RpcError("unknown", "object not found");
    const { oid } = object;
    const { parentIds } = gitCommit(oid, object.content, undefined);
    const own = await sumUpHere(needs.git, repository, oid, call.signal);
    if (typeof own === "object") return { oid, ...own };
    const before = parentIds.length === 0 ? emptyTree(objects.format) : `${oid}^`;
    const command = { name: "diff", flags: ["--numstat"], args: [before, oid] } as const;
    const options = { ...gitOptions(), fallback: own };
    const lines = outputLines(needs.git.stream(located, command, options));
    return { oid, ...(await sumUp(lines)) };
  };
}

/** Sums up in this process; returns why git has to do it where that isn't possible. */
async function sumUpHere(
  git: GitRunner,
  repository: OpenedRepository,
  commit: string,
  signal: AbortSignal,
): Promise<Counts | FallbackReason> {
  const counts = { additions: 0, deletions: 0, files: 0 };
  try {
    const [parent] = parentsOf(repository, commit);
    const left = parent === undefined ? undefined : getTree(repository, parent);
    const right = getTree(repository, commit);
    const contents = openDiffContents(git, repository, "diff");
    const query = { left, right, renameScoreMin: HALF_SIMILAR };
    const { pairs } = listTreePairs(repository, contents, query);
    for await (const { additions, deletions } of countFilePairs(pairs, contents, signal)) {
      counts.files++;
      counts.additions += additions;
      counts.deletions += deletions;
    }
    return counts;
  } catch (error) {
    const reason = fallbackReason(error);
    if (reason === undefined) throw error;
    return reason;
  }
}

function emptyTree(format: ObjectFormat): string {
  return hashObject("tree", Buffer.alloc(0), format);
}

/** Adds up lines of added and deleted lines and a path; a file that is no text has dashes. */
async function sumUp(lines: AsyncIterable<string>): Promise<Counts> {
  const counts = { additions: 0, deletions: 0, files: 0 };
  for await (const line of lines) {
    const [, added = "", deleted = ""] = /^(\d+|-)\t(\d+|-)\t/.exec(line) ?? [];
    if (added === "") throw new RpcError("unknown", `invalid numstat line ${JSON.stringify(line)}`);
    counts.files++;
    if (added === "-" && deleted === "-") continue;
    counts.additions += Number(added);
    counts.deletions += Number(deleted);
  }
  return counts;
}
