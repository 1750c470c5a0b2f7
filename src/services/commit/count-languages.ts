import { setImmediate as nextTurn } from "node:timers/promises";
import { quoteText } from "../../base/text/quote-text.ts";
import { listTree } from "../../git/object/list-tree.ts";
import { peelToTree } from "../../git/object/peel.ts";
import { objectTypeOfMode } from "../../git/object/tree-object.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { binaryFromBytes, textFromBinary } from "../../git/ref/binary-string.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import { streamContent } from "../common/content-chunks.ts";
import { isGeneratedFile } from "../common/generated-file.ts";
import { isDamage } from "../common/git-failure.ts";
import type { Linguist } from "../common/linguist/linguist.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import { quietly } from "../common/read-commit.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";
import { LanguageStatistics } from "./language-statistics.ts";
import { type FileAttributes, linguistAttributes } from "./linguist-attributes.ts";

/** The part of a file that is looked at. */
const CONTENT_BYTES_MAX = 16 * 1024;

/** Files that are judged before other calls have their turn, a millisecond each. */
const TURN_FILES = 4;

/** The object of each file, by path, a binary string. */
type Files = Map<string, Oid>;

export interface CountNeeds extends RevisionNeeds {
  readonly linguist: Linguist;
  readonly signal: AbortSignal;
}

/**
 * Counts the bytes of each language in a commit's files, and keeps the numbers in the repository for
 * the next time, when only what has changed is looked at.
 *
 * @param revision what `git rev-parse` says, which need not be one object id
 */
export async function countLanguages(
  repository: OpenedRepository,
  revision: string,
  needs: CountNeeds,
): Promise<ReadonlyMap<string, number>> {
  const { path } = repository.located;
  const statistics = await LanguageStatistics.load(path);
  if (statistics.commitId === revision) return statistics.totals;
  const commit = parseOid(revision);
  checkComparable(repository, statistics.commitId, commit);
  if (commit === undefined) throw listingFailed(`Not a valid object name ${revision}`);
  const files = await listFiles(repository, commit, needs.signal);
  const before = await knownFiles(repository, statistics.commitId, needs.signal);
  const isUsable = before !== undefined && before.get(ATTRIBUTES) === files.get(ATTRIBUTES);
  if (!isUsable) statistics.clear();
  for (const file of before?.keys() ?? [])
    if (!files.has(file)) statistics.drop(textFromBinary(file));
  const changed = [...files].filter(([file, oid]) => !isUsable || before.get(file) !== oid);
  const paths = changed.map(([file]) => file);
  const attributes = await linguistAttributes(repository, commit, files.keys(), paths, needs);
  for (const [index, [file, oid]] of changed.entries()) {
    if (index % TURN_FILES === 0) await nextTurn();
    needs.signal.throwIfAborted();
    const name = textFromBinary(file);
    const counted = await countFile(repository, name, oid, attributes.get(file), needs);
    if (counted === undefined) statistics.drop(name);
    else statistics.add(name, counted.language, counted.bytes);
  }
  await statistics.save(path, commit);
  return statistics.totals;
}

const ATTRIBUTES = ".gitattributes";

/** Git has to be able to compare what is known, if anything is, with what is asked for. */
function checkComparable(
  { objects }: OpenedRepository,
  known: string,
  asked: Oid | undefined,
): void {
  if (known === "") return;
  const incomparable = (exitCode: number): RpcError => {
    const problem = `git diff .gitattributes: exit status ${exitCode}`;
    return new RpcError("unknown", `linguist cannot determine full recalculation: ${problem}`);
  };
  const commit = parseOid(known);
  for (const oid of [commit, asked]) {
    if (oid === undefined || quietly(() => objects.has(oid)) !== true) throw incomparable(128);
    if (quietly(() => peelToTree(objects, oid)) === undefined) throw incomparable(129);
  }
}

async function knownFiles(
  repository: OpenedRepository,
  commitId: string,
  signal: AbortSignal,
): Promise<Files | undefined> {
  if (commitId === "") return undefined;
  const commit = parseOid(commitId);
  return commit && listFiles(repository, commit, signal);
}

async function listFiles(
  { objects }: OpenedRepository,
  commit: Oid,
  signal: AbortSignal,
): Promise<Files> {
  const files: Files = new Map();
  try {
    const tree = quietly(() => peelToTree(objects, commit));
    if (tree === undefined) throw listingFailed("not a tree object");
    for await (const batch of listTree(objects, tree, { recursive: true, signal })) {
      for (const { path, mode, oid } of batch) {
        if (objectTypeOfMode(mode) === "blob") files.set(binaryFromBytes(path), oid);
      }
    }
  } catch (error) {
    throw isDamage(error) ? listingFailed("not a tree object", error) : error;
  }
  return files;
}

function listingFailed(reason: string, cause?: unknown): RpcError {
  const problem = `exit status 128, stderr: ${quoteText(`fatal: ${reason}\n`)}`;
  const message = `linguist object iterator: ls-tree pipeline command: ${problem}`;
  return new RpcError("unknown", message, { cause });
}

interface Counted {
  readonly language: string;
  readonly bytes: number;
}

async function countFile(
  { objects }: OpenedRepository,
  path: string,
  oid: Oid,
  attributes: FileAttributes = new Map(),
  { linguist, signal }: CountNeeds,
): Promise<Counted | undefined> {
  const decide = (name: string, guess: () => boolean): boolean => {
    const value = attributes.get(name);
    return value === "set" || (value !== "unset" && guess());
  };
  if (decide("linguist-documentation", () => linguist.isDocumentation(path))) return undefined;
  if (decide("linguist-vendored", () => linguist.isVendored(path))) return undefined;
  const bytes = objects.header(oid)?.size;
  if (bytes === undefined)
    throw new RpcError("unknown", "linguist object iterator: object not found");
  const chunks: Buffer[] = [];
  const wanted = Math.min(bytes, CONTENT_BYTES_MAX);
  for await (const chunk of streamContent(objects, oid, wanted, signal)) chunks.push(chunk);
  const content = Buffer.concat(chunks).toString("latin1");
  if (decide("linguist-generated", () => isGeneratedFile(path, content))) return undefined;
  const named = attributes.get("linguist-language");
  const language =
    named === undefined ? linguist.detect(path, content) : (linguist.languageOf(named) ?? named);
  if (language === undefined || language === "") return undefined;
  const type = linguist.entry(language)?.type;
  const isCode = (): boolean => type === "programming" || type === "markup";
  return decide("linguist-detectable", isCode) ? { language, bytes } : undefined;
}
