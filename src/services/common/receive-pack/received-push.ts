import { realpathSync } from "node:fs";
import { basename } from "node:path";
import type { PushRequest } from "../../../git/receive/push-command.ts";
import { encodePushReport } from "../../../git/receive/push-report.ts";
import type { ReceiveSettings } from "../../../git/receive/receive-settings.ts";
import { HEAD } from "../../../git/ref/ref-name.ts";
import type { GitRepository } from "../../../git/repository/git-repository.ts";
import type { ConfigPair } from "../../../gitcmd/git-command.ts";
import type { HookEnvironment, PushContext } from "../../../hooks/context/push-context.ts";
import { removePackLock } from "../../../storage/quarantine/pack-lock.ts";
import { createQuarantine, type Quarantine } from "../../../storage/quarantine/quarantine.ts";
import type { GitCall } from "../git-call.ts";
import { checkPushConnectivity } from "./check-push-connectivity.ts";
import type { IncomingPack } from "./incoming-pack.ts";
import { PushHooks } from "./push-hooks.ts";
import type { PushOutput } from "./push-output.ts";
import { isZero, type PushedRef, refuseRest } from "./pushed-ref.ts";
import type { ReceivePackNeeds } from "./receive-pack-needs.ts";
import { RefCheck } from "./ref-check.ts";
import { type TakenPack, takePack } from "./take-pack.ts";
import { updateAtomically, updateEach } from "./update-pushed-refs.ts";

/** A push that was read up to its pack, and can be received without `git receive-pack`. */
export interface Push {
  readonly request: PushRequest;
  /** Undefined when references are only deleted. */
  readonly pack: IncomingPack | undefined;
  readonly context: PushContext;
  readonly settings: ReceiveSettings;
  /** What git is configured with. */
  readonly config: readonly ConfigPair[];
  readonly repository: GitRepository;
}

/** Packs of more objects are checked by git, which does so with less memory. */
const SMALL_PACK_OBJECTS_MAX = 10_000;

const NO_QUARANTINE: HookEnvironment = new Map();

/**
 * Receives a push as `git receive-pack` does, with its words: takes the pack into quarantine, asks
 * the hooks, changes the references, and reports.
 *
 * Throws a GitExitError where git would die. When it throws, or the call ends, before references
 * change, nothing of the push is left.
 */
export async function receivePush(
  needs: ReceivePackNeeds,
  push: Push,
  output: PushOutput,
  call: GitCall,
): Promise<void> {
  await new ReceivedPush(needs, push, output, call).run();
}

class ReceivedPush {
  readonly #needs: ReceivePackNeeds;
  readonly #push: Push;
  readonly #output: PushOutput;
  readonly #call: GitCall;
  readonly #hooks: PushHooks;
  readonly #refs: readonly PushedRef[];

  constructor(needs: ReceivePackNeeds, push: Push, output: PushOutput, call: GitCall) {
    this.#needs = needs;
    this.#push = push;
    this.#output = output;
    this.#call = call;
    this.#hooks = new PushHooks(needs, push.context, output, call.signal);
    this.#refs = push.request.commands.map((command) => ({
      command,
      isDeletion: isZero(command.newOid),
      refusal: undefined,
      didNotExist: false,
      isCorrupt: false,
    }));
  }

  async run(): Promise<void> {
    const { options } = this.#push.request;
    const failure = await this.#receive();
    this.#call.signal.throwIfAborted();
    await this.#report(failure);
    const done = this.#refs.filter((ref) => ref.refusal === undefined && !ref.didNotExist);
    const commands = done.map(({ command }) => command);
    await this.#hooks.postReceive(commands, options);
    await this.#output.finish();
  }

  /** Puts the push into effect as far as possible. Returns why the pack couldn't be taken. */
  async #receive(): Promise<string | undefined> {
    const { pack, context } = this.#push;
    if (pack === undefined) {
      this.#output.keepAlive();
      await this.#carryOut(undefined);
      return undefined;
    }
    await using quarantine = await this.#createQuarantine();
    const { failure, lockedPack, isSelfContained } = await this.#take(pack, quarantine);
    this.#output.keepAlive();
    if (failure !== undefined) {
      refuseRest(this.#refs, "unpacker error");
      return failure;
    }
    try {
      const isComplete = isSelfContained === true && this.#leadsIntoPack(quarantine);
      if (!isComplete) await this.#checkConnectivity(quarantine);
      await this.#carryOut(quarantine);
    } finally {
      // Whatever has happened: a pack that stays locked is never repacked.
      if (lockedPack !== undefined) await removePackLock(context.repository.path, lockedPack);
    }
    return undefined;
  }

  #createQuarantine(): Promise<Quarantine> {
    const { repository, context } = this.#push;
    const place = { folder: `${context.repository.path}/objects`, prefix: "tmp_objdir-incoming-" };
    return createQuarantine(context.repository, repository.objects, place);
  }

  #take(pack: IncomingPack, quarantine: Quarantine): Promise<TakenPack> {
    const { settings, config, request, repository } = this.#push;
    const { capabilities } = request;
    const { objects } = repository;
    const options = { ...this.#call, objects, settings, capabilities, config };
    return takePack(this.#needs.git, quarantine, pack, this.#output, options);
  }

  async #carryOut(quarantine: Quarantine | undefined): Promise<void> {
    const { request, settings } = this.#push;
    for (const ref of this.#refs) {
      if (ref.refusal !== undefined || !settings.hiddenRefs.isHidden(ref.command.name)) continue;
      ref.refusal = ref.isDeletion ? "deny deleting a hidden ref" : "deny updating a hidden ref";
    }
    const environment =
      quarantine === undefined ? NO_QUARANTINE : environmentOf(quarantine, this.#push);
    if (!(await this.#hooks.preReceive(request.commands, request.options, environment))) {
      refuseRest(this.#refs, "pre-receive hook declined");
    }
    if (this.#refs.every(({ refusal }) => refusal !== undefined)) return;
    this.#call.signal.throwIfAborted();
    if (!(await this.#migrate(quarantine))) {
      refuseRest(this.#refs, "unable to migrate objects to permanent storage");
      return;
    }
    await this.#update();
  }

  /** Whether all that references are set to has come with this push. */
  #leadsIntoPack(quarantine: Quarantine): boolean {
    const pushed = this.#open(quarantine, []);
    try {
      const { objects } = pushed;
      return this.#refs.every(
        ({ isDeletion, command }) => isDeletion || objects.has(command.newOid),
      );
    } finally {
      pushed.close();
    }
  }

  #open(
    { repository: { objectDirectory = "" } }: Quarantine,
    alternates: readonly string[],
  ): GitRepository {
    const place = { objectDirectory, alternates };
    return this.#needs.repositories.openQuarantine(this.#push.repository.path, place);
  }

  async #checkConnectivity(quarantine: Quarantine): Promise<void> {
    const { settings, config, repository, request, pack } = this.#push;
    const { git } = this.#needs;
    const after = this.#open(quarantine, quarantine.repository.alternateObjectDirectories ?? []);
    try {
      const needs = {
        git,
        before: repository,
        after,
        directory: quarantine.repository,
        settings,
        config,
        showsProgress: request.capabilities.sideband && !request.capabilities.quiet,
        isSmall: (pack?.objectCount ?? 0) <= SMALL_PACK_OBJECTS_MAX,
      };
      await checkPushConnectivity(needs, this.#refs, this.#output, this.#call);
    } finally {
      after.close();
    }
  }

  async #migrate(quarantine: Quarantine | undefined): Promise<boolean> {
    try {
      await quarantine?.migrate();
      return true;
    } catch (error) {
      this.#call.signal.throwIfAborted();
      this.#needs.logger.error("objects of a push can't be migrated", { error: String(error) });
      return false;
    }
  }

  async #update(): Promise<void> {
    const { settings, repository, context, request } = this.#push;
    const { git, repositories, hookStubs, logger, hooks: hookManager } = this.#needs;
    const hooks = this.#hooks;
    const output = this.#output;
    const head = repository.refs.resolve(HEAD);
    const currentBranch = head.state === "broken" ? undefined : head.name;
    const needs = {
      git,
      repositories,
      hookManager,
      hookStubs,
      logger,
      context,
      hooks,
      output,
      call: this.#call,
      objectFormat: repository.objectFormat,
      check: new RefCheck({ repository, settings, hooks, output, currentBranch }),
    };
    await (request.capabilities.atomic ? updateAtomically : updateEach)(needs, this.#refs);
  }

  async #report(unpackFailure: string | undefined): Promise<void> {
    const { reportStatus, reportStatusV2 } = this.#push.request.capabilities;
    if (!reportStatus && !reportStatusV2) return;
    const refs = this.#refs.map(({ command, refusal }) => ({ name: command.name, refusal }));
    await this.#output.report(encodePushReport(refs, unpackFailure));
  }
}

/** Where hooks find the objects of the push, in git's own spelling. */
function environmentOf({ directory }: Quarantine, { context }: Push): HookEnvironment {
  const objects = `${realpathSync(context.repository.path)}/./objects`;
  const place = `${objects}/${basename(directory)}`;
  return new Map([
    ["GIT_OBJECT_DIRECTORY", place],
    ["GIT_ALTERNATE_OBJECT_DIRECTORIES", objects],
    ["GIT_QUARANTINE_PATH", place],
  ]);
}
