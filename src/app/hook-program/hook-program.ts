import { basename } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import type { HookName } from "../../hooks/context/hook-name.ts";
import {
  HOOKS_PAYLOAD_VARIABLE,
  type HooksPayload,
  hooksPayloadFromEnvironment,
} from "../../hooks/payload/hooks-payload.ts";
import { HOOK_FAILED_TEXT } from "../../hooks/stub/hook-stub.ts";
import { HookService } from "../../proto/hook_pb.ts";
import { dial } from "../../rpc/client/channel.ts";
import { createClient } from "../../rpc/client/client.ts";
import type { OutgoingMetadata } from "../../rpc/client/metadata.ts";
import { askPostReceive, askPreReceive, askReferenceTransaction, askUpdate } from "./ask-hook.ts";
import type { HookProcess } from "./hook-process.ts";
import type { HookQuestion } from "./hook-question.ts";
import { packObjects } from "./pack-objects.ts";

interface HookMode {
  readonly hook: HookName;
  /** Returns the exit status. */
  readonly ask: (question: HookQuestion) => Promise<number>;
}

const MODES: ReadonlyMap<string, HookMode> = new Map<string, HookMode>([
  ["pre-receive", { hook: "pre-receive", ask: askPreReceive }],
  ["update", { hook: "update", ask: askUpdate }],
  ["post-receive", { hook: "post-receive", ask: askPostReceive }],
  ["reference-transaction", { hook: "reference-transaction", ask: askReferenceTransaction }],
]);

/** `gitaly-hooks git pack-objects …`, which upload-pack starts in place of git. */
const PACK_OBJECTS: HookMode = { hook: "pack-objects", ask: packObjects };

const PROGRAM_NAME = "gitaly-hooks";

const TOO_BUSY_TEXT = "error resource exhausted, please try again later";

/**
 * `gitaly-hooks`: asks the server that has started git, and ends as it says.
 *
 * Under the name of a hook it is that hook. What it prints is for the one who pushes or fetches, so
 * the reason of a failure isn't. Returns the exit status and never throws.
 */
export async function runHookProgram(process: HookProcess): Promise<number> {
  try {
    return (await run(process)) & 0xff;
  } catch (error) {
    await process.stderr(Buffer.from(`${HOOK_FAILED_TEXT}\n`));
    const isPack = nameOf(process) === PROGRAM_NAME;
    if (isPack && error instanceof DomainError && error.kind === "resource-exhausted") {
      await process.stderr(Buffer.from(`${TOO_BUSY_TEXT}\n`));
    }
    return 1;
  }
}

async function run(process: HookProcess): Promise<number> {
  const [first = "", ...rest] = process.args;
  const name = nameOf(process);
  const isPack = name === PROGRAM_NAME && first === "git";
  const mode = isPack ? PACK_OBJECTS : MODES.get(name);
  if (mode === undefined) throw new Error(`subcommand name invalid: ${name} ${first}`);
  const payload = readPayload(process);
  if (!payload.requestedHooks.has(mode.hook)) return 0;
  const { internalSocket, internalSocketToken: token } = payload;
  await using channel = dial(`unix:${internalSocket}`, token === "" ? {} : { token });
  return await mode.ask({
    client: createClient(HookService, channel),
    payload,
    metadata: callMetadata(payload, process),
    process: isPack ? { ...process, args: rest } : process,
  });
}

function nameOf({ name }: HookProcess): string {
  return basename(name).replace(/\.[jt]s$/, "");
}

function readPayload({ environment }: HookProcess): HooksPayload {
  const value = environment[HOOKS_PAYLOAD_VARIABLE];
  const variables = value === undefined ? [] : [`${HOOKS_PAYLOAD_VARIABLE}=${value}`];
  return hooksPayloadFromEnvironment(variables);
}

function callMetadata(
  { user, featureFlags }: HooksPayload,
  { environment }: HookProcess,
): OutgoingMetadata {
  const flags = [...featureFlags].map(([name, isEnabled]) => [
    `gitaly-feature-${name.replaceAll("_", "-")}`,
    String(isEnabled),
  ]);
  return {
    "x-gitlab-client-name": "gitaly-hooks",
    "x-gitlab-correlation-id": environment["CORRELATION_ID"],
    ...(user !== undefined && {
      user_id: user.id,
      username: user.username,
      remote_ip: user.remoteIp,
    }),
    ...Object.fromEntries(flags),
  };
}
