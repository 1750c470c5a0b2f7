import { ReferenceTransactionHookRequest_State as State } from "../../proto/hook_pb.ts";
import type { HookProcess } from "./hook-process.ts";
import { type HookQuestion, questionFields } from "./hook-question.ts";

/** Most bytes of input in one message. */
const INPUT_BYTES_MAX = 128 * 1024;

const STATES: ReadonlyMap<string, State> = new Map([
  ["prepared", State.PREPARED],
  ["committed", State.COMMITTED],
  ["aborted", State.ABORTED],
]);

/** Asks whether a push may go ahead. Returns the exit status, as all of these do. */
export function askPreReceive(question: HookQuestion): Promise<number> {
  const { client, metadata, process } = question;
  const gitPushOptions = pushOptions(process);
  const requests = withInput({ ...questionFields(question), gitPushOptions }, process);
  return print(client.preReceiveHook(requests, { metadata }), process);
}

/** Asks for what follows a push. */
export function askPostReceive(question: HookQuestion): Promise<number> {
  const { client, metadata, process } = question;
  const gitPushOptions = pushOptions(process);
  const requests = withInput({ ...questionFields(question), gitPushOptions }, process);
  return print(client.postReceiveHook(requests, { metadata }), process);
}

/** Asks whether one ref may change. */
export function askUpdate(question: HookQuestion): Promise<number> {
  const { client, metadata, process } = question;
  const [ref, oldValue, newValue, ...rest] = process.args;
  if (ref === undefined || oldValue === undefined || newValue === undefined || rest.length > 0) {
    throw new Error("update hook expects exactly three arguments");
  }
  const request = { ...questionFields(question), ref: Buffer.from(ref), oldValue, newValue };
  return print(client.updateHook(request, { metadata }), process);
}

/** Asks whether a transaction of refs may go on. */
export async function askReferenceTransaction(question: HookQuestion): Promise<number> {
  const { client, metadata, process } = question;
  const [name = "", ...rest] = process.args;
  if (name === "" || rest.length > 0) throw new Error("reference-transaction hook lacks its state");
  // Nobody votes before git has locked the refs.
  if (name === "preparing") return 0;
  const state = STATES.get(name);
  if (state === undefined) throw new Error("reference-transaction hook has an invalid state");
  const requests = withInput({ ...questionFields(question), state }, process);
  return print(client.referenceTransactionHook(requests, { metadata }), process);
}

/** The first message, then the standard input in messages of a bounded size. */
async function* withInput<First>(
  first: First,
  { stdin }: HookProcess,
): AsyncGenerator<First | { stdin: Uint8Array }, void, undefined> {
  yield first;
  for await (const chunk of stdin) {
    for (let offset = 0; offset < chunk.length; offset += INPUT_BYTES_MAX) {
      yield { stdin: chunk.subarray(offset, offset + INPUT_BYTES_MAX) };
    }
  }
}

/** Copies what the server prints, and returns the last status that it names. */
async function print(
  replies: AsyncIterable<{
    readonly stdout: Uint8Array;
    readonly stderr: Uint8Array;
    readonly exitStatus?: { readonly value: number } | undefined;
  }>,
  process: HookProcess,
): Promise<number> {
  let status = 0;
  for await (const { stdout, stderr, exitStatus } of replies) {
    if (exitStatus !== undefined) status = exitStatus.value;
    if (stderr.length > 0) await process.stderr(stderr);
    if (stdout.length > 0) await process.stdout(stdout);
  }
  return status;
}

function pushOptions({ environment }: HookProcess): string[] {
  const count = environment["GIT_PUSH_OPTION_COUNT"] ?? "";
  if (!/^\d{1,6}$/.test(count)) return [];
  const numbers = Array.from({ length: Number(count) }, (_, number) => number);
  return numbers.map((number) => environment[`GIT_PUSH_OPTION_${number}`] ?? "");
}
