import { quoteText } from "../../base/text/quote-text.ts";
import { binaryFromBytes, textFromBinary } from "../../git/ref/binary-string.ts";
import {
  GitCommandError,
  GitExitError,
  type GitRunner,
  GitSpawnError,
} from "../../gitcmd/git-runner.ts";
import type { GetFileAttributesRequest, RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, RpcError } from "../../rpc/rpc-error.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { outputLines } from "../common/output-lines.ts";

type Needs = { readonly locator: RepositoryLocator; readonly git: GitRunner };
type GetFileAttributes = Handler<typeof RepositoryService.method.getFileAttributes>;

interface AttributeInfo {
  readonly path: string;
  readonly attribute: string;
  readonly value: string;
}

/** Tells which of the attributes files have in a revision. */
export function getFileAttributes({ locator, git }: Needs): GetFileAttributes {
  return async (request, call) => {
    const located = locateRepository(locator, request.repository);
    checkRequest(request);
    const { attributes, paths } = request;
    const source = textFromBinary(binaryFromBytes(request.revision));
    const bad = paths.findIndex((path) => path.includes("\0"));
    const asked = bad < 0 ? paths : paths.slice(0, bad);
    const command = {
      name: "check-attr",
      flags: ["--stdin", "-z", ["--source", source] as const],
      args: attributes,
    } as const;
    const stdin = Buffer.from(asked.map((path) => `${path}\0`).join(""));
    const output = git.stream(located, command, { ...gitCall(call), stdin });
    const attributeInfos = await readAttributes(output, asked, attributes.length);
    if (bad >= 0) throw failure("path with NUL byte not allowed");
    return { attributeInfos };
  };
}

function checkRequest({ revision, paths, attributes }: GetFileAttributesRequest): void {
  if (revision.length === 0) throw invalidArgument("revision is required");
  if (paths.length === 0) throw invalidArgument("file paths are required");
  if (attributes.length === 0) throw invalidArgument("attributes are required");
}

/** Reads path, attribute and value of each answer; those of a path come one after the other. */
async function readAttributes(
  output: AsyncIterable<Buffer>,
  paths: readonly string[],
  countPerPath: number,
): Promise<AttributeInfo[]> {
  const infos: AttributeInfo[] = [];
  let words: string[] = [];
  let count = 0;
  try {
    for await (const word of outputLines(output, 0)) {
      words.push(textFromBinary(word));
      const [path, attribute, value] = words;
      if (path === undefined || attribute === undefined || value === undefined) continue;
      words = [];
      checkPath(path, paths[Math.floor(count++ / countPerPath)] ?? "");
      if (value !== "unspecified") infos.push({ path, attribute, value });
    }
  } catch (error) {
    if (error instanceof GitCommandError || error instanceof GitSpawnError) {
      throw failure(`start check-attr command: ${error.message}`, error);
    }
    if (!(error instanceof GitExitError)) throw error;
  }
  if (count < paths.length * countPerPath) throw failure("read line: EOF");
  return infos;
}

function checkPath(path: string, expected: string): void {
  if (path === expected) return;
  throw failure(
    `wrong path name detected, expected ${quoteText(expected)}, got ${quoteText(path)}`,
  );
}

function failure(message: string, cause?: unknown): RpcError {
  return new RpcError("unknown", `check attr: ${message}`, { cause });
}
