import { zeroOid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { startReferenceChange } from "../common/change-references.ts";
import { type FetchNeeds, POOL_PREFIX, type PoolFetch } from "./fetch-references.ts";
import { poolVote } from "./pool-votes.ts";

/**
 * Removes the references of a pool that its member has no more.
 *
 * Before anything is fetched, since `a/b` that goes makes room for `a`; git can't do both at once.
 */
export async function prunePoolReferences(needs: FetchNeeds, fetching: PoolFetch): Promise<void> {
  const { pool, call, options } = fetching;
  const names = staleNames(fetching);
  const vote = poolVote(needs.votes, call);
  // Deletions without old values are never voted on as changes of references.
  const zero = zeroOid(pool.objects.format);
  const content = bytesFromBinary(names.map((name) => `${zero} ${zero} ${name}\n`).join(""));
  const change = await startReferenceChange(needs, pool, call, { git: options, votes: false });
  await using _transaction = change;
  for (const name of names) await step("queueing ref for deletion", () => change.delete(name));
  await vote(content, "preparing", "casting preparing vote");
  if (names.length > 0) await step("preparing deletion of references", () => change.prepare());
  await vote(content, "prepared", "preparational vote on pruned references");
  if (names.length > 0) await step("deleting references", () => change.commit());
  await vote(content, "committed", "preparational vote on pruned references");
}

function staleNames({ pool, origin }: PoolFetch): string[] {
  const wanted = new Set<string>();
  for (const { name } of origin.refs.list({ prefixes: ["refs/"] })) {
    wanted.add(POOL_PREFIX + name.slice("refs/".length));
  }
  const stale: string[] = [];
  for (const { name, symref } of pool.refs.list({ prefixes: [POOL_PREFIX] })) {
    if (symref === undefined && !wanted.has(name)) stale.push(name);
  }
  return stale;
}

async function step(doing: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw wrapError("unknown", doing, error);
  }
}
