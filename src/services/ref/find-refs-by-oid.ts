import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromText, textFromBinary } from "../../git/ref/binary-string.ts";
import { parseRefSortKey, type RefSortKey } from "../../git/ref/sort-refs.ts";
import { resolveRevision } from "../../git/revision/resolve-revision.ts";
import type { Revision } from "../../git/revision/revision.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { FindRefsByOIDRequest, RefService } from "../../proto/ref_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, RpcError } from "../../rpc/rpc-error.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { checkArgument, isDamage, refuseNul } from "../common/git-failure.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { outputLines } from "../common/output-lines.ts";
import { quietly } from "../common/read-commit.ts";
import { findObject } from "../common/resolve-revision.ts";
import { listedRefs } from "./listed-refs.ts";
import { pointsAt } from "./points-at.ts";
import { UnshowableDateError } from "./ref-atoms.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type FindRefsByOid = Handler<typeof RefService.method.findRefsByOID>;

/** The largest limit that git understands. */
const LIMIT_MAX = 2 ** 31 - 1;

const DEFAULT_PATTERNS = ["refs/tags/", "refs/heads/"];

/** Lists the references that point at an object, also through tags. */
export function findRefsByOid(needs: Needs): FindRefsByOid {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    if (request.oid === "") throw invalidArgument("empty Oid");
    const patterns = request.refPatterns.length > 0 ? request.refPatterns : DEFAULT_PATTERNS;
    const repository = openLocated(needs, located, call);
    const names = patterns.map(binaryFromText);
    for (const pattern of names) checkArgument(pattern);
    for (const text of [request.sortField, request.oid]) refuseNul(text);
    const sort = parseSort(request.sortField);
    const refs =
      sort === "ask-git"
        ? await askGit(needs, repository, request, patterns, call)
        : await list(needs, repository, request, { patterns: names, sort }, call);
    return { refs };
  };
}

function parseSort(field: string): RefSortKey | undefined | "ask-git" {
  return field === "" ? undefined : (parseRefSortKey(field) ?? "ask-git");
}

async function list(
  { git }: Needs,
  repository: OpenedRepository,
  { oid: name, limit }: FindRefsByOIDRequest,
  query: { readonly patterns: readonly string[]; readonly sort: RefSortKey | undefined },
  call: Call,
): Promise<string[]> {
  const oid = await findPointedAt(repository, binaryFromText(name), git, call);
  if (oid === undefined || limit > LIMIT_MAX) throw listingFailure(129);
  const filter = pointsAt(repository, new Set([oid]), call.signal);
  const refs: string[] = [];
  try {
    for await (const ref of listedRefs(repository, { ...query, filter }, call.signal)) {
      refs.push(textFromBinary(ref.name));
      if (refs.length === limit) break;
    }
  } catch (error) {
    if (!isDamage(error) && !(error instanceof UnshowableDateError)) throw error;
    throw listingFailure(128, error);
  }
  return refs;
}

/** As git, which takes an abbreviated id of several objects for none. */
async function findPointedAt(
  repository: OpenedRepository,
  name: string,
  git: GitRunner,
  call: Call,
): Promise<Oid | undefined> {
  // Nothing here takes a revision for an option, so whatever the request accepts will do.
  const found = quietly(() => resolveRevision(repository, name as Revision));
  if (found?.state === "found") return found.oid;
  if (found?.state !== "unsupported") return undefined;
  return findObject(repository, name, { git, gitCall: lazyGitCall(call) });
}

/** For orders that only git knows, or says what is wrong with them. */
async function askGit(
  { git }: Needs,
  { located }: OpenedRepository,
  { oid, sortField, limit }: FindRefsByOIDRequest,
  patterns: readonly string[],
  call: Call,
): Promise<string[]> {
  const count = limit === 0 ? [] : [["--count", String(limit)] as const];
  const command = {
    name: "for-each-ref",
    flags: ["--format=%(refname)", ["--sort", sortField], ["--points-at", oid], ...count],
    args: patterns,
  } as const;
  const refs: string[] = [];
  try {
    const output = git.stream(located, command, {
      ...lazyGitCall(call)(),
      fallback: "options",
    });
    for await (const name of outputLines(output)) refs.push(textFromBinary(name));
  } catch (error) {
    throw error instanceof GitExitError ? listingFailure(error.exitCode, error) : error;
  }
  return refs;
}

/** Git exits with 129 when it doesn't like what it was asked. */
function listingFailure(exitCode: number, cause?: unknown): RpcError {
  const kind = exitCode === 129 ? "invalid-argument" : "internal";
  const message = `for-each-ref pipeline command: exit status ${exitCode}`;
  return new RpcError(kind, message, { cause });
}
