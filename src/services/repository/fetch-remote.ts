import { quoteBytes } from "../../base/text/quote-bytes.ts";
import type { RepositoryCache } from "../../git/repository/repository-cache.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { FetchRemoteRequest, Remote, RepositoryService } from "../../proto/repository_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import type { Quarantine } from "../../storage/quarantine/quarantine.ts";
import { startReferenceChange } from "../common/change-references.ts";
import { type CollectedGit, collectGit } from "../common/collect-git.ts";
import { featureFlags } from "../common/feature-flags.ts";
import { type GitCall, gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated } from "../common/open-repository.ts";
import { InvalidUrlError, parseUrl } from "../common/parse-url.ts";
import { quarantineFor } from "../common/quarantine-for.ts";
import { configEnvironment, remoteSettings } from "../common/remote-settings.ts";
import { prepareSsh } from "../common/ssh-invocation.ts";
import type { TransactionVotes } from "../common/transaction-votes.ts";
import { type FetchedRef, type FetchOutcome, parseFetchedRef } from "./fetch-report.ts";

interface Needs {
  readonly locator: RepositoryLocator;
  readonly repositories: RepositoryCache;
  readonly git: GitRunner;
  readonly votes: TransactionVotes;
}

type FetchRemote = Handler<typeof RepositoryService.method.fetchRemote>;

/** The remote's name for the time of the fetch. */
const REMOTE = "inmemory";

/**
 * Fetches references and their objects from elsewhere.
 *
 * Git only brings the objects, into a quarantine, and tells what would change: the references are
 * changed here, all that git doesn't reject in one transaction, so that nothing is left when that
 * fails.
 */
export function fetchRemote(needs: Needs): FetchRemote {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    const remote = checkedRemote(request);
    const env = fetchEnvironment(remote, call);
    await using ssh = await prepareSsh(request);
    using quarantine = await openQuarantine(needs, located);
    const repository = openLocated(needs, quarantine.repository, call);
    const fetching = { needs, request, repository, call, options: gitCall(call) };
    const fetched = await fetch(fetching, { ...env, GIT_SSH_COMMAND: ssh.command });
    await changeReferences(fetching, fetched, quarantine);
    return {
      // Callers that don't ask have always been told so.
      tagsChanged: !request.checkTagsChanged || fetched.some(isChangedTag),
      repoChanged: fetched.some(({ outcome }) => CHANGES.has(outcome)),
    };
  };
}

/** What all steps of one call work with. */
interface Fetching {
  readonly needs: Needs;
  readonly request: FetchRemoteRequest;
  /** In quarantine. */
  readonly repository: OpenedRepository;
  readonly call: Call;
  readonly options: GitCall;
}

const CHANGES: ReadonlySet<FetchOutcome> = new Set<FetchOutcome>([
  "fast-forwarded",
  "forced",
  "tag-updated",
  "created",
]);

function isChangedTag({ outcome, name }: FetchedRef): boolean {
  return outcome === "tag-updated" || (outcome === "created" && name.startsWith("refs/tags"));
}

function checkedRemote({ remoteParams }: FetchRemoteRequest): Remote {
  if (remoteParams === undefined) throw invalidArgument("missing remote params");
  if (remoteParams.url === "") throw invalidArgument("blank or empty remote URL");
  return remoteParams;
}

const REFMAPS: ReadonlyMap<string, string> = new Map([
  ["all_refs", "refs/*:refs/*"],
  ["heads", "refs/heads/*:refs/heads/*"],
  ["tags", "refs/tags/*:refs/tags/*"],
]);

function fetchEnvironment(remote: Remote, call: Call): Record<string, string> {
  const refmaps = remote.mirrorRefmaps.length === 0 ? ["all_refs"] : remote.mirrorRefmaps;
  const refspecs = refmaps.map((refmap) => ({
    key: `remote.${REMOTE}.fetch`,
    value: REFMAPS.get(refmap) ?? refmap,
  }));
  const isProactive = featureFlags(call.metadata).get("fetch_remote_proactive_auth") === true;
  return configEnvironment([
    ...refspecs,
    ...remoteSettings(REMOTE, remote),
    ...(isProactive && hasPassword(remote) ? [{ key: "http.proactiveAuth", value: "basic" }] : []),
  ]);
}

function hasPassword({ url }: Remote): boolean {
  try {
    const { user } = parseUrl(url);
    return user !== undefined && user.name !== "" && (user.password ?? "") !== "";
  } catch (error) {
    if (error instanceof InvalidUrlError) return false;
    throw error;
  }
}

async function openQuarantine(needs: Needs, located: LocatedRepository): Promise<Quarantine> {
  try {
    return await quarantineFor(needs, located);
  } catch (error) {
    throw wrapError("internal", "creating quarantine directory", error);
  }
}

async function fetch(
  { needs, request, repository, options }: Fetching,
  env: Readonly<Record<string, string>>,
): Promise<FetchedRef[]> {
  const command = {
    name: "fetch",
    config: [
      { key: "advice.fetchShowForcedUpdates", value: "false" },
      { key: `remote.${REMOTE}.followremotehead`, value: "never" },
    ],
    flags: [
      "--no-write-fetch-head",
      ...(request.noPrune ? [] : ["--prune"]),
      ...(request.force ? ["--force"] : []),
      request.noTags ? "--no-tags" : "--tags",
      "--dry-run",
      "--porcelain",
    ],
    args: [REMOTE],
    env,
  } as const;
  const limit = timeLimit(request.timeout);
  const signal = AbortSignal.any([options.signal, limit]);
  const runOptions = { ...options, signal, hooks: "disabled" } as const;
  const fetched = await collectGit(needs.git, repository.located, command, runOptions).catch(
    (error: unknown) => {
      if (options.signal.aborted || !limit.aborted) throw error;
      throw internal("fetch remote: signal: killed: context deadline exceeded");
    },
  );
  refuseFailure(fetched);
  const lines = fetched.stdout.toString("latin1").split("\n").slice(0, -1);
  return lines.map((line) => parseFetchedRef(line, repository.objects.format));
}

/** The longest time that a timer can be set to. */
const TIMER_MS_MAX = 2 ** 31 - 1;

function timeLimit(seconds: number): AbortSignal {
  if (seconds <= 0) return new AbortController().signal;
  return AbortSignal.timeout(Math.min(seconds * 1000, TIMER_MS_MAX));
}

/** Git also fails when it rejects some of the references, without a word: the others are fetched. */
function refuseFailure({ stderrBytes, failure }: CollectedGit): void {
  if (failure === undefined) return;
  if (stderrBytes.length > 0) {
    throw internal(`fetch remote: ${quoteBytes(stderrBytes)}: ${failure.message}`, {
      cause: failure,
    });
  }
  if (failure.exitCode !== 1)
    throw internal(`fetch remote: ${failure.message}`, { cause: failure });
}

async function changeReferences(
  { needs, repository, call, options }: Fetching,
  fetched: readonly FetchedRef[],
  quarantine: Quarantine,
): Promise<void> {
  const pruned = fetched.filter(({ outcome }) => outcome === "pruned");
  const changed = fetched.filter(({ outcome }) => CHANGES.has(outcome));
  if (pruned.length > 0) {
    // In a transaction of its own: `a/b` that goes makes room for `a`.
    await using prune = await startReferenceChange(needs, repository, call, { git: options });
    await step("queueing pruned ref for deletion", async () => {
      for (const { name } of pruned) await prune.delete(name);
    });
    await step("preparing reference prune", () => prune.prepare());
    await step("committing reference prune", () => prune.commit());
  }
  if (changed.length === 0) {
    await step("migrating quarantined objects", () => quarantine.migrate());
    return;
  }
  await using update = await startReferenceChange(needs, repository, call, { git: options });
  await step("queueing ref to be updated", async () => {
    for (const { name, newOid, oldOid } of changed) await update.update(name, newOid, oldOid);
  });
  await step("preparing reference update", () => update.prepare());
  await step("migrating quarantined objects", () => quarantine.migrate());
  await step("committing reference update", () => update.commit());
}

async function step(doing: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw wrapError("internal", doing, error);
  }
}
