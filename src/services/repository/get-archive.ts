import { posix } from "node:path";
import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { hashObject } from "../../git/object/object-hash.ts";
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
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition, invalidArgument, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { TreeEntryFinder } from "../common/find-tree-entry.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { findObject, type RevisionNeeds } from "../common/resolve-revision.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type GetArchive = Handler<typeof RepositoryService.method.getArchive>;

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
 * Streams an archive of a revision's files, or of those below a path.
 *
 * Large files that LFS keeps elsewhere come as pointers, whatever the request says.
 */
export function getArchive(needs: Needs): GetArchive {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const query = parseQuery(request, located.path);
    const repository = openLocated(needs, located, call);
    const options = gitCall(call);
    await checkPaths(repository, query, { git: needs.git, gitCall: () => options });
    const command = archiveCommand(query, request);
    try {
      for await (const data of needs.git.stream(located, command, options)) yield { data };
    } catch (error) {
      throw error instanceof GitExitError
        ? new RpcError("unknown", error.message, { cause: error })
        : error;
    }
  };
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

function archiveCommand(query: Query, { elidePath, prefix }: GetArchiveRequest): GitCommand {
  const { revision, path, format } = query;
  const exclude = elidePath ? relativeTo(path, query.exclude) : query.exclude;
  const paths = [...(elidePath ? [] : [path]), ...exclude.map((name) => `:(exclude)${name}`)];
  const start = elidePath && path !== "." ? `${revision}:${path}` : revision;
  return {
    name: "archive",
    ...(format.config && { config: format.config }),
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
