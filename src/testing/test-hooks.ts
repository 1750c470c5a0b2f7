import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { silentLogger } from "../base/log/logger.ts";
import { directSpawner } from "../gitcmd/spawn/direct-spawner.ts";
import type { AccessCheck } from "../hooks/access/access-check.ts";
import type { HookOutput, PushContext, ReceiveInput } from "../hooks/context/push-context.ts";
import { createHookManager } from "../hooks/create-hook-manager.ts";
import type { HookManager } from "../hooks/hook-manager.ts";
import type { ReferenceVoter } from "../hooks/transaction/reference-voter.ts";
import { createTestRepository, type TestRepository } from "./git-repository.ts";
import { testPushContext } from "./test-push-context.ts";

export const ZERO: string = "0".repeat(40);
export const ONE: string = "1".repeat(40);
/** Collects what hooks print, and says where. */
export class CollectedOutput implements HookOutput {
  /** Each piece of output after `out:` or `err:`. */
  text = "";

  async stdout(chunk: Uint8Array): Promise<void> {
    this.text += `out:${Buffer.from(chunk)}`;
  }

  async stderr(chunk: Uint8Array): Promise<void> {
    this.text += `err:${Buffer.from(chunk)}`;
  }
}

/** Hooks with a stand-in for GitLab and other servers, and an empty repository. */
export interface TestHooks {
  readonly repository: TestRepository;
  readonly context: PushContext;
  readonly manager: HookManager;
  /** What was done, in order. */
  readonly steps: string[];
  readonly output: CollectedOutput;
}

export interface TestHooksOptions {
  readonly access?: Partial<AccessCheck>;
  readonly voter?: Partial<ReferenceVoter>;
  readonly context?: Partial<PushContext>;
  /** What custom hooks do, by hook. */
  readonly scripts?: Readonly<Record<string, string>>;
}

/** By default GitLab allows everything, and there are no custom hooks. */
export function testHooks(t: TestContext, options: TestHooksOptions = {}): TestHooks {
  const repository = createTestRepository(t);
  for (const [name, script] of Object.entries(options.scripts ?? {})) {
    mkdirSync(join(repository.path, "custom_hooks"), { recursive: true });
    const path = join(repository.path, "custom_hooks", name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }
  const steps: string[] = [];
  const access: AccessCheck = {
    grantsAll: false,
    allowed: async (request, caller) => {
      steps.push("allowed");
      return (await options.access?.allowed?.(request, caller)) ?? { allowed: true, message: "" };
    },
    preReceive: async (glRepository, caller) => {
      steps.push("pre_receive");
      return (await options.access?.preReceive?.(glRepository, caller)) ?? true;
    },
    postReceive: async (report, caller) => {
      steps.push("post_receive");
      const none = { referenceCounterDecreased: true, messages: [] };
      return (await options.access?.postReceive?.(report, caller)) ?? none;
    },
  };
  const voter: ReferenceVoter = {
    vote: async (transaction, content, phase, signal) => {
      steps.push(`vote ${phase} ${Buffer.from(content).toString().trim()}`);
      await options.voter?.vote?.(transaction, content, phase, signal);
    },
    stop: async (transaction, signal) => {
      steps.push("stop");
      await options.voter?.stop?.(transaction, signal);
    },
  };
  const manager = createHookManager({
    access,
    voter,
    spawner: directSpawner,
    logger: silentLogger,
    host: {
      environment: { PATH: process.env["PATH"] },
      gitPath: "git",
      gitEnvironment: {},
    },
    customHooksDirectory: "",
  });
  const context = testPushContext(repository, options.context);
  return { repository, context, manager, steps, output: new CollectedOutput() };
}

/** What git tells of a push that creates `main`. */
export function receiveInput(changes: Partial<ReceiveInput> = {}): ReceiveInput {
  const line = `${ZERO} ${ONE} refs/heads/main\n`;
  return { changes: Buffer.from(line), environment: new Map(), pushOptions: [], ...changes };
}
