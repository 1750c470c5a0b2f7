import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { GitCommand, GitFlag } from "../../gitcmd/git-command.ts";
import {
  type FindCommitsRequest,
  FindCommitsRequest_Order as Order,
} from "../../proto/commit_pb.ts";
import type { CommitStatInfo, CommitTrailer } from "../../proto/shared_pb.ts";
import { parseTrailers } from "../common/commit-trailers.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import { outputLines } from "../common/output-lines.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";
import { revisionArgument } from "../common/revision-argument.ts";
import { commitsNotFound } from "./log-failure.ts";
import { parseShortStat } from "./short-stat.ts";

/** A commit that was found, and what git has told about it beside. */
export interface FoundCommit {
  readonly oid: Oid;
  readonly fields: {
    readonly trailers?: CommitTrailer[];
    readonly referencedBy?: Uint8Array[];
    readonly shortStats?: CommitStatInfo;
  };
}

const SEPARATOR = 0x01;
const NEWLINE = 0x0a;

/** Finds the commits of a FindCommits request by `git log`. */
export async function* findLoggedCommits(
  repository: OpenedRepository,
  request: FindCommitsRequest,
  revisions: readonly string[],
  ask: RevisionNeeds,
): AsyncGenerator<FoundCommit, void, undefined> {
  const args: string[] = [];
  for (const revision of revisions) {
    if (revision === "--all") continue;
    const argument = await revisionArgument(repository, revision, ask);
    if (argument === undefined) throw commitsNotFound();
    args.push(argument);
  }
  const command = logCommand(request, args);
  const output = ask.git.stream(repository.located, command, {
    ...ask.gitCall(),
    fallback: "history",
  });
  let skip = countsOffset(request) ? request.offset : 0;
  for await (const record of outputLines(output, request.includeShortstat ? SEPARATOR : NEWLINE)) {
    const found = parseRecord(record, request);
    if (found === undefined) continue;
    if (skip > 0) skip--;
    else yield found;
  }
}

/** Git's own way to skip commits doesn't go with `--follow`. */
function countsOffset({ follow, offset }: FindCommitsRequest): boolean {
  return follow && offset > 0;
}

/** @param record id, trailers, references and statistics, as far as they were asked for */
function parseRecord(record: string, request: FindCommitsRequest): FoundCommit | undefined {
  const [line = "", stats] = cut(record.trim(), request.includeShortstat ? "\n" : undefined);
  const hasRefs = request.includeReferencedBy.length > 0;
  const [left = "", refs] = cut(line, hasRefs ? "\x02" : undefined);
  const [id = "", trailers] = cut(left, request.trailers ? "\0" : undefined);
  const oid = parseOid(id);
  if (oid === undefined) return undefined;
  return {
    oid,
    fields: {
      ...(trailers !== undefined && { trailers: parseTrailers(trailers.split("\0")) }),
      ...(refs !== undefined && { referencedBy: parseRefs(refs) }),
      ...(stats !== undefined && { shortStats: parseShortStat(stats) }),
    },
  };
}

function cut(text: string, separator: string | undefined): [string, string?] {
  const at = separator === undefined ? -1 : text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** Git shows references as `HEAD -> refs/heads/main, tag: refs/tags/v1`. */
function parseRefs(text: string): Uint8Array[] {
  return text
    .split(", ")
    .filter((ref) => ref !== "")
    .flatMap((ref) => cutAll(ref.replace(/^tag: /, ""), " -> "))
    .map(bytesFromBinary);
}

function cutAll(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

function logCommand(request: FindCommitsRequest, args: readonly string[]): GitCommand {
  return {
    name: "log",
    flags: [formatFlag(request), ...pageFlags(request), ...filterFlags(request)],
    args,
    paths: request.paths,
    literalPathspecs: request.globalOptions?.literalPathspecs ?? false,
  };
}

function formatFlag({
  includeShortstat,
  trailers,
  includeReferencedBy,
}: FindCommitsRequest): string {
  return [
    includeShortstat ? "--format=%x01%H" : "--format=%H",
    trailers ? "%x00%(trailers:unfold,separator=%x00)" : "",
    includeReferencedBy.length > 0 ? "%x02%D" : "",
  ].join("");
}

function* pageFlags(request: FindCommitsRequest): Generator<GitFlag, void, undefined> {
  const { offset, limit } = request;
  if (offset > 0 && !countsOffset(request)) yield `--skip=${offset}`;
  yield `--max-count=${countsOffset(request) ? limit + offset : limit}`;
}

function* filterFlags(request: FindCommitsRequest): Generator<GitFlag, void, undefined> {
  const { author, before, after, messageRegex } = request;
  if (request.follow && request.paths.length > 0) yield "--follow";
  if (author.length > 0) yield `--author=${Buffer.from(author)}`;
  if (request.skipMerges) yield "--no-merges";
  if (before !== undefined) yield `--before=${timeText(before)}`;
  if (after !== undefined) yield `--after=${timeText(after)}`;
  if (request.all) yield* ["--all", "--reverse"];
  if (request.firstParent) yield "--first-parent";
  if (request.order === Order.TOPO) yield "--topo-order";
  if (request.includeShortstat) yield "--shortstat";
  if (request.includeReferencedBy.length > 0) yield "--decorate=full";
  for (const pattern of request.includeReferencedBy) {
    yield `--decorate-refs=${Buffer.from(pattern)}`;
  }
  if (messageRegex !== "") yield* [["--grep", messageRegex], "--regexp-ignore-case"];
}

/** A time as the reference server passes it on here. */
function timeText({ seconds, nanos }: Timestamp): string {
  const parts = [seconds === 0n ? "" : `seconds:${seconds}`, nanos === 0 ? "" : `nanos:${nanos}`];
  return parts.filter((part) => part !== "").join(" ");
}
