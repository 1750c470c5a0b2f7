import type { HookEnvironment } from "../context/push-context.ts";
import type { ChannelReader } from "./channel-reader.ts";
import { HookProtocolError } from "./hook-protocol-error.ts";

/** Longest line of a hook's request: a ref name fits into a pkt-line. */
const LINE_BYTES_MAX = 128 * 1024;
/** Most bytes of a variable's value: Linux has no longer ones. */
const VALUE_BYTES_MAX = 128 * 1024;
/** Most push options: more would not fit into the two megabytes of an environment. */
const PUSH_OPTIONS_MAX = 64 * 1024;
/** Most bytes of standard input: more than half a million refs in one push. */
export const HOOK_INPUT_BYTES_MAX: number = 64 * 1024 * 1024;

const VARIABLE =
  /^(PATH|GIT_OBJECT_DIRECTORY|GIT_ALTERNATE_OBJECT_DIRECTORIES|GIT_QUARANTINE_PATH|GIT_PUSH_OPTION_\d{1,6}) (\d{1,6})$/;
const PUSH_OPTION = "GIT_PUSH_OPTION_";
const SPACE = 0x20;
const DOT = 0x2e;
const END = Buffer.from(".");
const LINE_FEED = Buffer.from("\n");

/** What a hook's process was called with. */
export interface HookCall {
  readonly name: string;
  readonly processId: number;
  /** Binary strings: one byte per UTF-16 unit. */
  readonly args: readonly string[];
  readonly environment: HookEnvironment;
  readonly pushOptions: readonly string[];
  readonly stdin: Buffer;
}

/** Reads one request of a hook; the format stands in `hook-stub.ts`. */
export async function readHookCall(reader: ChannelReader): Promise<HookCall> {
  const header = (await reader.line(LINE_BYTES_MAX)).toString("latin1");
  const [name = "", processId = "", ...args] = header.trimEnd().split(" ");
  if (!/^[1-9]\d{0,9}$/.test(processId)) throw new HookProtocolError("hook's request is garbled");
  const { line, environment, pushOptions } = await readVariables(reader);
  const stdin = await readInput(reader, line);
  return { name, processId: Number(processId), args, environment, pushOptions, stdin };
}

/** Reads what stands before the input, and the first line that is no variable. */
async function readVariables(reader: ChannelReader): Promise<{
  line: Buffer;
  environment: Map<string, string>;
  pushOptions: string[];
}> {
  const environment = new Map<string, string>();
  const pushOptions: string[] = [];
  for (;;) {
    const line = await reader.line(LINE_BYTES_MAX);
    if (line[0] === SPACE || line[0] === DOT) return { line, environment, pushOptions };
    const [, name = "", length = ""] = VARIABLE.exec(line.toString("latin1")) ?? [];
    if (name === "" || Number(length) > VALUE_BYTES_MAX) {
      throw new HookProtocolError("hook's variable is garbled");
    }
    const value = (await reader.bytes(Number(length))).toString();
    if (name.startsWith(PUSH_OPTION)) pushOptions.push(value);
    else if (value !== "") environment.set(name, value);
    if (pushOptions.length > PUSH_OPTIONS_MAX) throw new HookProtocolError("too many push options");
  }
}

async function readInput(reader: ChannelReader, first: Buffer): Promise<Buffer> {
  const lines: Buffer[] = [];
  let size = 0;
  for (let line = first; !line.equals(END); line = await reader.line(LINE_BYTES_MAX)) {
    if (line[0] !== SPACE) throw new HookProtocolError("hook's input is garbled");
    size += line.length;
    if (size > HOOK_INPUT_BYTES_MAX) throw new HookProtocolError("hook's input is too large");
    lines.push(line.subarray(1), LINE_FEED);
  }
  return Buffer.concat(lines);
}
