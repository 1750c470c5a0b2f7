import { posix } from "node:path";
import { PathSelection } from "../../git/graph/path-selection.ts";
import type { WalkTip } from "../../git/graph/walk-options.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { binaryFromBytes, bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";
import { parseRevision } from "../../git/revision/revision.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { CommitService, LastCommitForPathRequest } from "../../proto/commit_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { isDamage, refuseNul } from "../common/git-failure.ts";
import { isLocalPath } from "../common/local-path.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { readCommit } from "../common/read-commit.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";
import { revisionArgument } from "../common/revision-argument.ts";
import { selectPaths } from "../common/select-paths.ts";
import { resolveTips } from "../common/walk-tips.ts";

type Needs = ReadNeeds & { readonly git: GitRunner; readonly mailmaps: Mailmaps };
type LastCommitForPath = Handler<typeof CommitService.method.lastCommitForPath>;

/** Finds the latest commit that changed what stands at a path; the reply is empty without any. */
export function lastCommitForPath(needs: Needs): LastCommitForPath {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    parseRevision(request.revision);
    const path = parsePath(request.path);
    const repository = openLocated(needs, located, call);
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    const oid = await findCommit(repository, request, path, ask, call.signal);
    if (oid === undefined) return {};
    const mailmap = needs.mailmaps.find(repository, call);
    const commit = await readCommit(repository.objects, oid, mailmap, call.signal);
    return commit === undefined ? {} : { commit };
  };
}

/** @returns a binary string */
function parsePath(bytes: Uint8Array): string {
  const path = binaryFromBytes(bytes);
  if (path === "" || path === "/") return ".";
  const metadata = { path: textFromBinary(path) };
  if (posix.isAbsolute(path)) throw invalidArgument("path is an absolute path", { metadata });
  if (!isLocalPath(path)) throw invalidArgument("path escapes repository", { metadata });
  return path;
}

async function findCommit(
  repository: OpenedRepository,
  request: LastCommitForPathRequest,
  path: string,
  ask: RevisionNeeds,
  signal: AbortSignal,
): Promise<Oid | undefined> {
  const walked = await walk(repository, request, path, signal);
  return walked === "ask-git" ? askGit(repository, request, path, ask) : walked;
}

/** Looks for the commit in this process. */
async function walk(
  repository: OpenedRepository,
  request: LastCommitForPathRequest,
  path: string,
  signal: AbortSignal,
): Promise<Oid | undefined | "ask-git"> {
  const selection = selectPaths([bytesFromBinary(path)], isLiteral(request));
  if (selection === "ask-git" || selection === undefined || path.endsWith("/")) return "ask-git";
  const [normal] = selection.paths;
  const tips = await resolveTips(repository, [binaryFromBytes(request.revision)], signal);
  const [tip, ...others] = tips ?? [];
  if (normal === undefined || tip?.isExcluded !== false || others.length > 0) return "ask-git";
  try {
    return await walkFrom(repository, tip, normal, signal);
  } catch (error) {
    if (isDamage(error)) return "ask-git";
    throw error;
  }
}

async function walkFrom(
  { history }: OpenedRepository,
  tip: WalkTip,
  path: Buffer,
  signal: AbortSignal,
): Promise<Oid | undefined | "ask-git"> {
  if (path.length === 0) {
    const paths = PathSelection.parse([path]);
    for await (const { oid } of history.walk({ tips: [tip], paths, limit: 1 }, signal)) return oid;
    return undefined;
  }
  const slash = path.lastIndexOf("/");
  const folder = path.subarray(0, Math.max(slash, 0));
  const names = [path.subarray(slash + 1)];
  const found = await history.lastCommits(tip.oid, { folder, names, compare: "files" }, signal);
  return found === undefined ? "ask-git" : found[0];
}

async function askGit(
  repository: OpenedRepository,
  request: LastCommitForPathRequest,
  path: string,
  ask: RevisionNeeds,
): Promise<Oid | undefined> {
  const argument = await revisionArgument(repository, binaryFromBytes(request.revision), ask);
  if (argument === undefined) return undefined;
  try {
    refuseNul(path);
    const { stdout } = await ask.git.run(
      repository.located,
      {
        name: "log",
        flags: ["--format=%H", "--max-count=1"],
        args: [argument],
        paths: [bytesFromBinary(path)],
        literalPathspecs: isLiteral(request),
      },
      { ...ask.gitCall(), fallback: "history" },
    );
    return parseOid(stdout.toString("latin1").trim());
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    if (/^fatal: bad revision '.*'\n$/.test(error.stderr)) return undefined;
    throw wrapError("internal", "logging last commit for path", error);
  }
}

function isLiteral({ literalPathspec, globalOptions }: LastCommitForPathRequest): boolean {
  return literalPathspec || globalOptions?.literalPathspecs === true;
}
