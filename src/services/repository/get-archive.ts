import { createHash } from "node:crypto";
import { posix } from "node:path";
import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { hashObject } from "../../git/object/object-hash.ts";
import type { Oid } from "../../git/oid/oid.ts";
import {
  binaryFromBytes,
  binaryFromText,
  bytesFromBinary,
  textFromBinary,
} from "../../git/ref/binary-string.ts";
import { parseRevision } from "../../git/revision/revision.ts";
import type { ConfigPair, GitCommand } from "../../gitcmd/git-command.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import {
  GetArchiveRequest_Format as Format,
  type GetArchiveRequest,
  type RepositoryService,
} from "../../proto/repository_pb.ts";
import type { Handler, Reply } from "../../rpc/handler.ts";
import { failedPrecondition, invalidArgument, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import type { Produce } from "../../storage/stream-cache/kept-stream.ts";
import { passOn, type StreamCache } from "../../storage/stream-cache/stream-cache.ts";
import { TreeEntryFinder } from "../common/find-tree-entry.ts";
import { type GitCall, gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { ReplyQueue } from "../common/reply-queue.ts";
import { findObject, type RevisionNeeds } from "../common/resolve-revision.ts";

/** Archives that are kept for those who ask again, and what puts large files into them. */
export interface ArchiveNeeds {
  /** Undefined when none are kept. */
  readonly archiveCache: StreamCache | undefined;
  /** Undefined when there is no GitLab that has the files. */
  readonly lfsSmudge: LfsSmudge | undefined;
}

/** How git gets the large files that Git LFS keeps elsewhere. */
export interface LfsSmudge {
  /** The program for git's shell, see "Long Running Filter Process" in gitattributes(5). */
  readonly command: string;
  /** What the program has to know, for a repository as GitLab names it. */
  environment(glRepository: string): Readonly<Record<string, string>>;
}

type Needs = ReadNeeds & ArchiveNeeds & { readonly git: GitRunner };
type GetArchive = Handler<typeof RepositoryService.method.getArchive>;
type ArchiveReply = Reply<typeof RepositoryService.method.getArchive>;

/** How git makes an archive of a format. */
interface FormatOptions {
  readonly name: string;
  readonly config?: readonly ConfigPair[];
}

const FORMATS: ReadonlyMap<Format, FormatOptions> = new Map<Format, FormatOptions>([
  [Format.ZIP, { name: "zip" }],
  [Format.TAR, { name: "tar" }],
  // Named programs, since people compare checksums of archives and git's own gzip packs differently.
  [Format.TAR_GZ, compressed("tar.gz", "gzip -c -n")],
  [Format.TAR_BZ2, compressed("tar.bz2", "bzip2 -c")],
]);

function compressed(name: string, command: string): FormatOptions {
  return { name, config: [{ key: `tar.${name}.command`, value: command }] };
}

/** What a request asks for; paths are binary strings in their shortest form, `.` for the root. */
interface Query {
  readonly revision: string;
  readonly path: string;
  readonly exclude: readonly string[];
  readonly format: FormatOptions;
}

/**
 * Streams an archive of a revision's files, or of those below a path; with the large files that LFS
 * keeps elsewhere, if the request says so and GitLab has them.
 */
export function getArchive(needs: Needs): GetArchive {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const query = parseQuery(request, located.path);
    const repository = openLocated(needs, located, call);
    const options = gitCall(call);
    const ask = { git: needs.git, gitCall: () => options };
    await checkPaths(repository, query, ask);
    const command = archiveCommand(needs, query, request);
    const replies = new ReplyQueue<ArchiveReply>();
    const commit = await findObject(repository, query.revision, ask);
    yield* replies.drain(sendArchive(needs, { located, command, commit, options, replies }));
  };
}

interface Archive {
  readonly located: LocatedRepository;
  readonly command: GitCommand;
  /** What the revision is now. */
  readonly commit: Oid | undefined;
  readonly options: GitCall;
  readonly replies: ReplyQueue<ArchiveReply>;
}

async function sendArchive({ git, archiveCache }: Needs, archive: Archive): Promise<void> {
  const { located, command, options, replies } = archive;
  const reader = {
    signal: options.signal,
    take: async (pieces: readonly Uint8Array[]) => {
      for (const data of pieces) await replies.put({ data });
    },
  };
  const produce: Produce = async (take, signal) => {
    for await (const data of git.stream(located, command, { ...options, signal })) {
      await take([data]);
    }
  };
  try {
    if (archiveCache === undefined) await passOn(reader, produce);
    else await archiveCache.fetch(archiveKey(archive), reader, produce);
  } catch (error) {
    throw error instanceof GitExitError
      ? new RpcError("unknown", error.message, { cause: error })
      : error;
  }
}

/** Tells archives apart by all that decides about their bytes. */
function archiveKey({ located, command, commit }: Archive): string {
  const { path, glRepository } = located;
  const { flags, args, config } = command;
  const paths = command.paths?.map((name) => Buffer.from(name).toString("base64"));
  const identity = [path, glRepository, commit, flags, args, paths, config];
  return createHash("sha256").update(JSON.stringify(identity)).digest("hex");
}

function parseQuery(request: GetArchiveRequest, repositoryPath: string): Query {
  const root = binaryFromText(repositoryPath);
  const path = shortPath(root, request.path);
  const exclude = request.exclude.map((bytes) => shortPath(root, bytes));
  const format = FORMATS.get(request.format);
  const revision = binaryFromText(request.commitId);
  try {
    parseRevision(revision);
  } catch (error) {
    throw wrapError("invalid-argument", "invalid commitId", error);
  }
  if (format === undefined) throw invalidArgument("invalid format");
  return { revision, path, exclude, format };
}

/** A path inside of the repository in its shortest form. Takes the root as a binary string. */
function shortPath(root: string, path: Uint8Array): string {
  const relative = posix.relative(root, posix.join(root, binaryFromBytes(path)));
  if (relative !== ".." && !relative.startsWith("../")) return relative === "" ? "." : relative;
  throw invalidArgument("relative path escapes root directory");
}

async function checkPaths(
  repository: OpenedRepository,
  { revision, path, exclude }: Query,
  needs: RevisionNeeds,
): Promise<void> {
  const finder = new TreeEntryFinder(repository, needs, needs.gitCall().signal);
  if (path !== ".") {
    if ((await finder.find(revision, path)) === undefined) throw pathMissing();
  } else await checkRoot(repository, revision, needs);
  for (const [index, excluded] of exclude.entries()) {
    if ((await finder.find(revision, excluded)) === undefined) {
      throw failedPrecondition(`exclude[${index}] doesn't exist`);
    }
  }
}

async function checkRoot(
  repository: OpenedRepository,
  revision: string,
  needs: RevisionNeeds,
): Promise<void> {
  const { objects } = repository;
  const root = await findObject(repository, `${revision}^{tree}`, needs);
  if (root === undefined || !objects.has(root)) {
    throw new RpcError("unknown", "object not found", { metadata: { revision } });
  }
  if (root === hashObject("tree", Buffer.alloc(0), objects.format)) throw pathMissing();
}

function pathMissing(): RpcError {
  return failedPrecondition("path doesn't exist");
}

function archiveCommand(
  { lfsSmudge }: Needs,
  query: Query,
  { elidePath, prefix, includeLfsBlobs, repository }: GetArchiveRequest,
): GitCommand {
  const { revision, path, format } = query;
  const exclude = elidePath ? relativeTo(path, query.exclude) : query.exclude;
  const paths = [...(elidePath ? [] : [path]), ...exclude.map((name) => `:(exclude)${name}`)];
  const start = elidePath && path !== "." ? `${revision}:${path}` : revision;
  const smudge = includeLfsBlobs ? lfsSmudge : undefined;
  const config = [
    ...(format.config ?? []),
    ...(smudge ? [{ key: "filter.lfs.process", value: smudge.command }] : []),
  ];
  return {
    name: "archive",
    config,
    ...(smudge && { env: smudge.environment(repository?.glRepository ?? "") }),
    flags: [
      ["--format", format.name],
      ["--prefix", `${prefix}/`],
    ],
    args: [textFromBinary(start)],
    paths: paths.map(bytesFromBinary),
  };
}

function relativeTo(path: string, exclude: readonly string[]): string[] {
  return exclude.map((excluded) => {
    if (excluded.startsWith(`${path}/`)) return excluded.slice(path.length + 1);
    const [one, other] = [excluded, path].map((name) => quoteBytes(bytesFromBinary(name)));
    throw invalidArgument(`invalid exclude: ${one} is not a subdirectory of ${other}`);
  });
}
