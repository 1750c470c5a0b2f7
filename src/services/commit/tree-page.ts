import { type ListedEntry, listTree } from "../../git/object/list-tree.ts";
import type { ObjectDatabase } from "../../git/object/object-database.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { textFromBinary } from "../../git/ref/binary-string.ts";
import type { PaginationParameter } from "../../proto/shared_pb.ts";
import { RpcError, resourceExhausted } from "../../rpc/rpc-error.ts";
import { isDamage } from "../common/git-failure.ts";
import { encodeTreePageToken, isTokenOf, type TreePageToken } from "./tree-page-token.ts";

/** Entries that are held in memory to be sorted or cut into pages. */
export const TREE_ENTRIES_MAX: number = 2_000_000;

interface ReadOptions {
  readonly recursive: boolean;
  /** Put before each path. */
  readonly prefix: Buffer;
  readonly compare: ((one: ListedEntry, other: ListedEntry) => number) | undefined;
  readonly signal: AbortSignal;
}

/** Reads all entries of a tree, sorted if wanted, with paths below `prefix`. */
export async function readTreeEntries(
  objects: ObjectDatabase,
  tree: Oid,
  { recursive, prefix, compare, signal }: ReadOptions,
): Promise<ListedEntry[]> {
  const entries: ListedEntry[] = [];
  try {
    for await (const batch of listTree(objects, tree, { recursive, showTrees: true, signal })) {
      for (const entry of batch) entries.push(withPrefix(prefix, entry));
      if (entries.length > TREE_ENTRIES_MAX) throw resourceExhausted("too many tree entries");
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    const step = recursive ? "" : "listEntries: ";
    const message = `reading tree: ${step}waiting for git-ls-tree: exit status 128`;
    throw new RpcError("unknown", message, { cause: error });
  }
  return compare === undefined ? entries : entries.sort(compare);
}

function withPrefix(prefix: Buffer, entry: ListedEntry): ListedEntry {
  if (prefix.length === 0) return entry;
  return { ...entry, path: Buffer.concat([prefix, entry.path]) };
}

export interface TreePage {
  readonly entries: readonly ListedEntry[];
  /** Token of the page that follows; empty when none does. */
  readonly cursor: string;
}

/**
 * Cuts the page out of sorted entries that starts behind the token's entry; all of them without
 * parameters, none for a limit of 0, all that are left for a negative one.
 */
export function cutTreePage(
  entries: readonly ListedEntry[],
  tree: Oid,
  parameters: PaginationParameter | undefined,
  token: TreePageToken,
): TreePage {
  if (parameters === undefined) return { entries, cursor: "" };
  const start = pageStart(entries, token);
  const { limit } = parameters;
  if (limit === 0) return { entries: [], cursor: "" };
  if (limit < 0 || start + limit >= entries.length) {
    return { entries: entries.slice(start), cursor: "" };
  }
  const page = entries.slice(start, start + limit);
  const last = page.at(-1);
  return { entries: page, cursor: last === undefined ? "" : encodeTreePageToken(last.path, tree) };
}

function pageStart(entries: readonly ListedEntry[], token: TreePageToken): number {
  if (token.start === "") return 0;
  const index = entries.findIndex(({ path, oid }) => isTokenOf(token, path, oid));
  if (index >= 0) return index + 1;
  const start = textFromBinary(token.start);
  throw new RpcError("unknown", `could not find starting OID: ${start}`);
}
