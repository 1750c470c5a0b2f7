import type { ReceiveSettings } from "../../../git/receive/receive-settings.ts";
import { parseRefName } from "../../../git/ref/ref-name.ts";
import type { GitRepository } from "../../../git/repository/git-repository.ts";
import type { PushHooks } from "./push-hooks.ts";
import type { PushOutput } from "./push-output.ts";
import { isZero, type PushedRef } from "./pushed-ref.ts";

/** What git tells those who didn't say what they think of deleting the current branch. */
const DELETE_CURRENT_ADVICE = [
  "By default, deleting the current branch is denied, because the next",
  "'git clone' won't result in any file checked out, causing confusion.",
  "",
  "You can set 'receive.denyDeleteCurrent' configuration variable to",
  "'warn' or 'ignore' in the remote repository to allow deleting the",
  "current branch, with or without a warning message.",
  "",
  "To squelch this message, you can set it to 'refuse'.",
].join("\n");

const HEADS = "refs/heads/";

interface Needs {
  readonly repository: Pick<GitRepository, "objects" | "refs">;
  readonly settings: ReceiveSettings;
  readonly hooks: PushHooks;
  readonly output: PushOutput;
  /** Full name of the branch that HEAD names, whether it exists or not. */
  readonly currentBranch: string | undefined;
}

/** Checks one reference of a push before it is changed, in the order of `git receive-pack`. */
export class RefCheck {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Returns why it must not change; undefined when it may. */
  async refusal(ref: PushedRef): Promise<string | undefined> {
    const { output, hooks } = this.#needs;
    const { name } = ref.command;
    if (!isPushable(ref)) {
      await output.message("error", `refusing to update funny ref '${name}' remotely`);
      return "funny refname";
    }
    const refusal = await (ref.isDeletion ? this.#deletionRefusal(ref) : this.#objectRefusal(ref));
    if (refusal !== undefined) return refusal;
    if (!(await hooks.update(ref.command))) {
      await output.message("error", `hook declined to update ${name}`);
      return "hook declined";
    }
    if (ref.isDeletion) await this.#warnOfDeletion(ref);
    return undefined;
  }

  async #objectRefusal({ command }: PushedRef): Promise<string | undefined> {
    const { repository, output } = this.#needs;
    if (repository.objects.has(command.newOid)) return undefined;
    const text = `error: unpack should have generated ${command.newOid}, but I can't find it!\n`;
    await output.stderr(Buffer.from(text));
    return "bad pack";
  }

  async #deletionRefusal({ command }: PushedRef): Promise<string | undefined> {
    const { settings, output, currentBranch } = this.#needs;
    const { name, oldOid } = command;
    if (isZero(oldOid)) return undefined;
    if (settings.deniesDeletes && name.startsWith(HEADS)) {
      await output.message("error", `denying ref deletion for ${name}`);
      return "deletion prohibited";
    }
    return name === currentBranch ? this.#currentBranchRefusal(name) : undefined;
  }

  async #currentBranchRefusal(name: string): Promise<string | undefined> {
    const { settings, output } = this.#needs;
    switch (settings.deletingCurrentBranch) {
      case "ignore":
        return undefined;
      case "warn":
        await output.message("warning", "deleting the current branch");
        return undefined;
      case "unconfigured":
        await output.message("error", DELETE_CURRENT_ADVICE);
        break;
      case "refuse":
        break;
    }
    await output.message("error", `refusing to delete the current branch: ${name}`);
    return "deletion of the current branch prohibited";
  }

  async #warnOfDeletion(ref: PushedRef): Promise<void> {
    const { repository, output } = this.#needs;
    const { name, oldOid } = ref.command;
    if (!isZero(oldOid) && repository.objects.has(oldOid)) return;
    const refName = parseRefName(name);
    ref.didNotExist = refName === undefined || repository.refs.findOid(refName) === undefined;
    ref.isCorrupt = !ref.didNotExist;
    const what = ref.didNotExist
      ? "deleting a non-existent ref"
      : "allowing deletion of corrupt ref";
    await output.message("warning", what);
  }
}

/** A name below `refs/`; one that is to stay has to have a folder there. */
function isPushable({ command, isDeletion }: PushedRef): boolean {
  const { name } = command;
  if (!name.startsWith("refs/")) return false;
  return parseRefName(name.slice("refs/".length), { oneLevel: isDeletion }) !== undefined;
}
