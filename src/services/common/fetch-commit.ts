import type { Oid } from "../../git/oid/oid.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { Repository } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { type CollectedGit, collectGit } from "./collect-git.ts";
import type { GitCall } from "./git-call.ts";
import { type InternalSourceNeeds, internalSource } from "./internal-source.ts";

export interface FetchNeeds extends InternalSourceNeeds {
  readonly git: GitRunner;
}

/**
 * Fetches a commit with its history from another repository of the installation. No reference
 * changes.
 *
 * @param located where the objects go, a quarantine usually
 * @returns how git's process ended
 */
export async function fetchCommit(
  needs: FetchNeeds,
  located: LocatedRepository,
  { source, oid }: { readonly source: Repository; readonly oid: Oid },
  call: Call,
  options: GitCall,
): Promise<CollectedGit> {
  const sourceOptions = { targetStorage: located.storageName, gitProtocol: "version=2" };
  const { url, flags, env } = internalSource(needs, source, sourceOptions, call);
  const command = {
    name: "fetch",
    config: [{ key: "advice.fetchShowForcedUpdates", value: "false" }],
    flags: ["--no-write-fetch-head", "--quiet", "--no-tags", "--atomic", ...flags],
    args: [url, oid],
    env,
  } as const;
  return collectGit(needs.git, located, command, { ...options, hooks: "disabled" });
}
