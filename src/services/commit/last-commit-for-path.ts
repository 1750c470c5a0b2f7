import { posix } from "node:path";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { binaryFromBytes, bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";
import { parseRevision } from "../../git/revision/revision.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { CommitService, LastCommitForPathRequest } from "../../proto/commit_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { gitCall } from "../common/git-call.ts";
import { refuseNul } from "../common/git-failure.ts";
import { isLocalPath } from "../common/local-path.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { readCommit } from "../common/read-commit.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";
import { revisionArgument } from "../common/revision-argument.ts";

type Needs = ReadNeeds & { readonly git: GitRunner; readonly mailmaps: Mailmaps };
type LastCommitForPath = Handler<typeof CommitService.method.lastCommitForPath>;

/** Finds the latest commit that changed what stands at a path; the reply is empty without any. */
export function lastCommitForPath(needs: Needs): LastCommitForPath {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    parseRevision(request.revision);
    const path = parsePath(request.path);
    const repository = openLocated(needs, located, call);
    const options = gitCall(call);
    const ask = { git: needs.git, gitCall: () => options };
    const oid = await findCommit(repository, request, path, ask);
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
  { revision, literalPathspec, globalOptions }: LastCommitForPathRequest,
  path: string,
  ask: RevisionNeeds,
): Promise<Oid | undefined> {
  const argument = await revisionArgument(repository, binaryFromBytes(revision), ask);
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
        literalPathspecs: literalPathspec || globalOptions?.literalPathspecs === true,
      },
      ask.gitCall(),
    );
    return parseOid(stdout.toString("latin1").trim());
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    if (/^fatal: bad revision '.*'\n$/.test(error.stderr)) return undefined;
    throw wrapError("internal", "logging last commit for path", error);
  }
}
