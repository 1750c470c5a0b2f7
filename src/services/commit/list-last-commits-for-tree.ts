import type { MessageInitShape } from "@bufbuild/protobuf";
import { quoteBytes } from "../../base/text/quote-bytes.ts";
import type { ListedEntry } from "../../git/object/list-tree.ts";
import { objectTypeOfMode } from "../../git/object/tree-object.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { binaryFromBytes, binaryFromText, textFromBinary } from "../../git/ref/binary-string.ts";
import { resolveRevision } from "../../git/revision/resolve-revision.ts";
import { parseRevision, type Revision } from "../../git/revision/revision.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type {
  CommitService,
  ListLastCommitsForTreeRequest,
  ListLastCommitsForTreeResponse_CommitForTreeSchema,
} from "../../proto/commit_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, RpcError } from "../../rpc/rpc-error.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { isDamage } from "../common/git-failure.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { outputLines } from "../common/output-lines.ts";
import { quietly, readCommit } from "../common/read-commit.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";
import { selectPaths } from "../common/select-paths.ts";
import { lsTree } from "./ls-tree.ts";

type Needs = ReadNeeds & { readonly git: GitRunner; readonly mailmaps: Mailmaps };
type ListLastCommitsForTree = Handler<typeof CommitService.method.listLastCommitsForTree>;
type CommitForTree = MessageInitShape<typeof ListLastCommitsForTreeResponse_CommitForTreeSchema>;

const COMMITS_PER_REPLY = 10;

/** What a request asks for. */
interface Query {
  readonly revision: Revision;
  readonly literalPathspecs: boolean;
}

/**
 * Lists what stands in a folder, folders first, each with the latest commit that changed it: as many
 * as the limit says, behind the offset.
 */
export function listLastCommitsForTree(needs: Needs): ListLastCommitsForTree {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const query = parseQuery(request);
    const repository = openLocated(needs, located, call);
    const { signal } = call;
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    const path = requestPath(request);
    const listed = await lsTree(repository, { ...query, path, signal }, ask);
    const paths = cutPage(listed ?? [], request);
    const commits = await lastModified(repository, query, paths, ask, signal);
    const mailmap = needs.mailmaps.find(repository, call);
    let batch: CommitForTree[] = [];
    for (const pathBytes of paths) {
      const oid = commits.get(binaryFromBytes(pathBytes));
      const commit = oid && (await readCommit(repository.objects, oid, mailmap, signal));
      if (commit === undefined) {
        throw new RpcError("unknown", `commit not resolved for ${quoteBytes(pathBytes)}`);
      }
      batch.push({ pathBytes, commit });
      if (batch.length < COMMITS_PER_REPLY) continue;
      yield { commits: batch };
      batch = [];
    }
    if (listed === undefined) throw new RpcError("unknown", "exit status 128");
    if (batch.length > 0) yield { commits: batch };
  };
}

function parseQuery(request: ListLastCommitsForTreeRequest): Query {
  const revision = parseRevision(binaryFromText(request.revision));
  if (request.offset < 0) throw invalidArgument("offset negative");
  if (request.limit < 0) throw invalidArgument("limit negative");
  return { revision, literalPathspecs: request.globalOptions?.literalPathspecs === true };
}

function requestPath({ path }: ListLastCommitsForTreeRequest): string {
  const binary = binaryFromBytes(path);
  return binary === "" || binary === "/" ? "." : binary;
}

/** The paths behind the offset, in the order of types; none when the offset is behind all. */
function cutPage(
  entries: readonly ListedEntry[],
  { offset, limit }: ListLastCommitsForTreeRequest,
): Buffer[] {
  const sorted = [...entries].sort((one, other) => typeRank(one) - typeRank(other));
  return sorted.slice(offset, offset + limit).map(({ path }) => path);
}

function typeRank({ mode }: ListedEntry): number {
  return ["tree", "blob", "commit"].indexOf(objectTypeOfMode(mode));
}

/** Finds the latest commit that changed each path, which git takes for patterns. */
async function lastModified(
  repository: OpenedRepository,
  query: Query,
  paths: readonly Buffer[],
  ask: RevisionNeeds,
  signal: AbortSignal,
): Promise<Map<string, Oid>> {
  const tip = findCommit(repository, query.revision);
  if (tip === undefined) return askGit(repository, query, paths, ask);
  // Without paths git would tell of all of them.
  if (paths.length === 0) return new Map();
  const walked = await walk(repository, tip, query, paths, signal);
  return walked ?? askGit(repository, query, paths, ask);
}

/** Looks for the commits in this process; undefined when it takes git. */
async function walk(
  { history }: OpenedRepository,
  tip: Oid,
  { literalPathspecs }: Query,
  paths: readonly Buffer[],
  signal: AbortSignal,
): Promise<Map<string, Oid> | undefined> {
  const [first] = paths;
  if (first === undefined || selectPaths(paths, literalPathspecs) === "ask-git") return undefined;
  // All of them were listed in one folder.
  const slash = Math.max(first.lastIndexOf("/"), 0);
  const folder = first.subarray(0, slash);
  const names = paths.map((path) => path.subarray(slash === 0 ? 0 : slash + 1));
  try {
    const found = await history.lastCommits(tip, { folder, names, compare: "entries" }, signal);
    if (found === undefined) return undefined;
    const commits = new Map<string, Oid>();
    for (const [i, path] of paths.entries()) {
      const oid = found[i];
      if (oid !== undefined) commits.set(binaryFromBytes(path), oid);
    }
    return commits;
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

async function askGit(
  { located }: OpenedRepository,
  { revision, literalPathspecs }: Query,
  paths: readonly Buffer[],
  { git, gitCall }: RevisionNeeds,
): Promise<Map<string, Oid>> {
  const commits = new Map<string, Oid>();
  const command = {
    name: "last-modified",
    flags: ["-t", "--max-depth=0", "-z"],
    args: [textFromBinary(revision)],
    paths,
    literalPathspecs,
  } as const;
  const options = { ...gitCall(), fallback: "history" } as const;
  for await (const line of outputLines(git.stream(located, command, options), 0)) {
    const tab = line.indexOf("\t");
    const oid = parseOid(line.slice(0, Math.max(tab, 0)).replace(/^\^/, ""));
    if (oid === undefined) throw new RpcError("unknown", "last-modified tab not found");
    commits.set(line.slice(tab + 1), oid);
  }
  return commits;
}

function findCommit(repository: OpenedRepository, revision: Revision): Oid | undefined {
  const found = quietly(() => resolveRevision(repository, `${revision}^{commit}` as Revision));
  if (found?.state !== "found") return undefined;
  return repository.objects.has(found.oid) ? found.oid : undefined;
}
