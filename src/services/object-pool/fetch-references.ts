import { quoteBytes } from "../../base/text/quote-bytes.ts";
import type { Oid } from "../../git/oid/oid.ts";
import type { Call } from "../../rpc/call.ts";
import { internal } from "../../rpc/rpc-error.ts";
import type { ReferenceChangeNeeds } from "../common/change-references.ts";
import { collectGit } from "../common/collect-git.ts";
import type { GitCall } from "../common/git-call.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import { type VotingHooksNeeds, votingHooks } from "../common/voting-hooks.ts";

export type FetchNeeds = ReferenceChangeNeeds & VotingHooksNeeds;

/** What all steps of one fetch work with. */
export interface PoolFetch {
  readonly pool: OpenedRepository;
  readonly origin: OpenedRepository;
  readonly call: Call;
  readonly options: GitCall;
}

/** Where a pool keeps a member's `refs/`. */
export const POOL_PREFIX = "refs/remotes/origin/";

const MEMBER_PREFIX = "refs/";

/** Fetches a member's references into its pool, all or none. No git runs when none has changed. */
export async function fetchReferences(
  needs: FetchNeeds,
  { pool, origin, call, options }: PoolFetch,
): Promise<void> {
  if (isUpToDate(pool, origin)) return;
  const quiet = ["--quiet", "--atomic", "--no-tags", "--no-write-fetch-head"];
  const command = {
    name: "fetch",
    config: [{ key: "advice.fetchShowForcedUpdates", value: "false" }],
    flags: [...quiet, "--no-show-forced-updates"],
    args: [origin.located.path, `+${MEMBER_PREFIX}*:${POOL_PREFIX}*`],
  } as const;
  const voting = votingHooks(needs, pool.located, call);
  const fetched = await collectGit(needs.git, pool.located, command, { ...options, ...voting });
  const { failure, stderrBytes } = fetched;
  if (failure === undefined) return;
  const said = `stderr: ${quoteBytes(stderrBytes)}`;
  throw internal(`fetch into object pool: ${failure.message}, ${said}`, { cause: failure });
}

/** Whether all of a member's references are in the pool with the same values. */
function isUpToDate(pool: OpenedRepository, origin: OpenedRepository): boolean {
  const known = new Map<string, Oid>();
  for (const { name, oid } of pool.refs.list({ prefixes: [POOL_PREFIX] })) known.set(name, oid);
  let isBroken = false;
  const onBroken = (): void => {
    isBroken = true;
  };
  for (const { name, oid } of origin.refs.list({ prefixes: [MEMBER_PREFIX], onBroken })) {
    if (known.get(POOL_PREFIX + name.slice(MEMBER_PREFIX.length)) !== oid) return false;
  }
  // Git says what is wrong.
  return !isBroken;
}
