import { peelToCommit } from "../../git/object/peel.ts";
import { objectIdProblem } from "../../git/oid/object-id-problem.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { ListBranchNamesContainingCommitRequest } from "../../proto/ref_pb.ts";
import type { Call } from "../../rpc/call.ts";
import { internal, invalidArgument } from "../../rpc/rpc-error.ts";
import { gitCall } from "../common/git-call.ts";
import { isDamage } from "../common/git-failure.ts";
import { fieldSize } from "../common/message-size.ts";
import {
  type OpenedRepository,
  openRepository,
  type ReadNeeds,
} from "../common/open-repository.ts";
import { outputLines } from "../common/output-lines.ts";
import { quietly } from "../common/read-commit.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import { listedRefs } from "./listed-refs.ts";

export type ContainingNeeds = ReadNeeds & { readonly git: GitRunner };

/** A request about branches or about tags. */
type Request = Pick<ListBranchNamesContainingCommitRequest, "repository" | "commitId" | "limit">;

/** Which references to list; the limit is 0 when there is none. */
interface Query {
  readonly commit: Oid;
  readonly limit: number;
  readonly prefix: "refs/heads/" | "refs/tags/";
}

/** The largest limit that git understands. */
const LIMIT_MAX = 2 ** 31 - 1;

/**
 * Lists the references below a prefix whose history contains a commit, for one reply after the
 * other: their names without the prefix.
 */
export async function* namesContainingCommit(
  needs: ContainingNeeds,
  { repository, commitId, limit }: Request,
  prefix: Query["prefix"],
  call: Call,
): AsyncGenerator<Buffer[], void, undefined> {
  const opened = openRepository(needs, repository, call);
  const oid = parseId(opened, commitId);
  const commit = quietly(() => peelToCommit(opened.objects, oid));
  // What git says of wrong arguments.
  if (commit === undefined || limit > LIMIT_MAX) throw internal("exit status 129");
  const chunk = new ReplyChunk((name: string) => fieldSize(name.length));
  for await (const name of listNames(needs, opened, { commit, limit, prefix }, call)) {
    const full = chunk.add(name);
    if (full !== undefined) yield full.map(shortName);
  }
  const rest = chunk.rest();
  if (rest !== undefined) yield rest.map(shortName);

  function shortName(name: string): Buffer {
    return bytesFromBinary(name.startsWith(prefix) ? name.slice(prefix.length) : name);
  }
}

function parseId({ objects }: OpenedRepository, text: string): Oid {
  const problem = objectIdProblem(text, objects.format);
  const oid = parseOid(text);
  if (problem === undefined && oid !== undefined) return oid;
  throw invalidArgument(problem ?? "");
}

async function* listNames(
  { git }: ContainingNeeds,
  repository: OpenedRepository,
  query: Query,
  call: Call,
): AsyncGenerator<string, void, undefined> {
  let names: readonly string[];
  try {
    names = await findNames(repository, query, call.signal);
  } catch (error) {
    if (!isDamage(error)) throw error;
    // Git knows best what to say about it.
    yield* askGit(git, repository, query, call);
    return;
  }
  yield* query.limit === 0 ? names : names.slice(0, query.limit);
}

async function findNames(
  repository: OpenedRepository,
  { commit, prefix }: Query,
  signal: AbortSignal,
): Promise<string[]> {
  const { objects, history } = repository;
  const tips = new Map<string, Oid>();
  const patterns = [prefix.slice(0, -1)];
  for await (const { name, oid, peeled } of listedRefs(repository, { patterns }, signal)) {
    const tip = quietly(() => peelToCommit(objects, peeled ?? oid));
    if (tip !== undefined) tips.set(name, tip);
  }
  const containing = await history.containing(commit, [...new Set(tips.values())], signal);
  return [...tips].filter(([, tip]) => containing.has(tip)).map(([name]) => name);
}

async function* askGit(
  git: GitRunner,
  { located }: OpenedRepository,
  { commit, limit, prefix }: Query,
  call: Call,
): AsyncGenerator<string, void, undefined> {
  const count = limit === 0 ? [] : [`--count=${limit}`];
  const flags = ["--format=%(refname)", `--contains=${commit}`, ...count];
  const command = { name: "for-each-ref", flags, args: [prefix.slice(0, -1)] } as const;
  try {
    yield* outputLines(git.stream(located, command, { ...gitCall(call), fallback: "history" }));
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    throw internal(error.message, { cause: error });
  }
}
