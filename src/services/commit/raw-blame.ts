import type { MessageInitShape } from "@bufbuild/protobuf";
import { binaryFromBytes, bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";
import { parseRevision } from "../../git/revision/revision.ts";
import type { GitCommand, GitFlag } from "../../gitcmd/git-command.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import {
  type CommitService,
  RawBlameErrorSchema,
  type RawBlameRequest,
} from "../../proto/commit_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import {
  detail,
  internal,
  invalidArgument,
  notFound,
  type RpcErrorOptions,
  wrapError,
} from "../../rpc/rpc-error.ts";
import { gitCall } from "../common/git-call.ts";
import { refuseNul } from "../common/git-failure.ts";
import { isLocalPath } from "../common/local-path.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { revisionArgument } from "../common/revision-argument.ts";
import { ignoreRevisionsFile } from "./ignore-revisions-file.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type RawBlame = Handler<typeof CommitService.method.rawBlame>;

/** Streams the porcelain blame of one file, or of some of its lines, exactly as git prints it. */
export function rawBlame(needs: Needs): RawBlame {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    checkRequest(request);
    const repository = openLocated(needs, located, call);
    const options = gitCall(call);
    const ask = { git: needs.git, gitCall: () => options };
    await using ignored = await ignoreRevisionsFile(
      repository,
      request.ignoreRevisionsBlob,
      ask,
      call.signal,
    );
    const revision = await revisionArgument(repository, binaryFromBytes(request.revision), ask);
    if (revision === undefined) throw internal("blaming file: exit status 128");
    const command = blameCommand(request, revision, ignored?.path);
    try {
      for await (const data of needs.git.stream(located, command, options)) yield { data };
    } catch (error) {
      throw error instanceof GitExitError ? blameError(error, request) : error;
    }
  };
}

function checkRequest({ revision, path, range }: RawBlameRequest): void {
  parseRevision(revision);
  if (path.length === 0) throw invalidArgument("empty Path");
  const binary = binaryFromBytes(path);
  if (!isLocalPath(binary)) {
    const metadata = { path: textFromBinary(binary) };
    throw invalidArgument("path escapes repository root", { metadata });
  }
  if (range.length > 0 && !/^\d+,\d+$/.test(binaryFromBytes(range))) {
    throw invalidArgument("invalid Range");
  }
}

function blameCommand(
  { path, range }: RawBlameRequest,
  revision: string,
  ignoredPath: string | undefined,
): GitCommand {
  try {
    refuseNul(binaryFromBytes(path));
  } catch (error) {
    throw wrapError("unknown", "starting blame", error);
  }
  const flags: GitFlag[] = ["-p"];
  if (range.length > 0) flags.push(["-L", binaryFromBytes(range)]);
  if (ignoredPath !== undefined) flags.push(["--ignore-revs-file", ignoredPath]);
  return { name: "blame", flags, args: [revision], paths: [path] };
}

const NO_PATH = "fatal: no such path ";
const NO_OBJECT = "fatal: invalid object name: ";
const TOO_SHORT = /^fatal: file .* has only (\d+) lines?\n$/;

function blameError(error: GitExitError, { path, revision }: RawBlameRequest): Error {
  const { stderr } = error;
  const metadata = {
    path: textFromBinary(binaryFromBytes(path)),
    revision: textFromBinary(binaryFromBytes(revision)),
  };
  if (stderr.startsWith(NO_PATH)) {
    const reason = { case: "pathNotFound" as const, value: { path } };
    return notFound("path not found in revision", because(reason, metadata));
  }
  if (stderr.startsWith(NO_OBJECT)) {
    const content = bytesFromBinary(stderr.slice(NO_OBJECT.length));
    const reason = { case: "invalidIgnoreRevsFormat" as const, value: { content } };
    return notFound("invalid object name", because(reason));
  }
  const lines = TOO_SHORT.exec(stderr)?.[1];
  if (lines !== undefined) {
    const reason = { case: "outOfRange" as const, value: { actualLines: BigInt(lines) } };
    return invalidArgument(
      "range is outside of the file length",
      because(reason, { ...metadata, lines }),
    );
  }
  return wrapError("unknown", "blaming file", error);
}

type Reason = NonNullable<MessageInitShape<typeof RawBlameErrorSchema>["error"]>;

function because(error: Reason, metadata?: RpcErrorOptions["metadata"]): RpcErrorOptions {
  return { detail: detail(RawBlameErrorSchema, { error }), ...(metadata && { metadata }) };
}
