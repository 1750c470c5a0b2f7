/**
 * What the server and the process helper say to each other. All numbers are little-endian.
 *
 * Stream connections, from the server to the helper's socket. Each begins with a header:
 *
 *   u32 role          0 stdout, 1 stdin, 2 stderr, 3 channel (the process's descriptor 3)
 *   u32 id            of the process, chosen by the server
 *   u32 flags         role 0 only: 1 stdin, 2 stderr, 4 channel come on connections of their own;
 *                     8 stdin is a named pipe, see below
 *   u32 body length   role 0 only, else 0
 *
 * The body of role 0 is the request: u32 count of arguments, u32 count of variables, then strings
 * that each end in NUL: the program's path, its working directory, the arguments, the variables.
 * When all connections of a process are there, it is started with them as its descriptors. Without
 * one of its own, stdin is /dev/null and stderr is collected by the helper. The server sends
 * nothing more before it was told of the start.
 *
 * Control connection, to the server: frames of u32 length (of what follows), u32 type, u32 id and
 *
 *   1 ready    id is the version of the protocol; u32 abilities (1 named pipes), 0 when missing
 *   2 started  u32 pid
 *   3 failed   u32 stage (1 request, 2 limit, 3 fork, 4 working directory, 5 program), u32 errno
 *   4 exited   i32 exit code or -1, u32 signal or 0, nine u64 (µs in user and system mode, largest
 *              resident set in KiB, minor and major faults, blocks read and written, voluntary and
 *              involuntary context switches), then what was collected of stderr
 *
 * To the helper: u32 type, u32 id, u32 value, u32 0, where type is
 *
 *   1 kill     sends the signal `value` to the process group
 *   2 cancel   SIGTERM to the group, SIGKILL after `value` ms; "exited" follows when it is gone
 *   3 release  the server has opened the process's named pipe
 *
 * A named pipe takes more bytes ahead of its reader than a socket does. It is at the path of the
 * helper's socket with `.` and the id behind it from "started" on, until it is released or the
 * process has ended.
 */
import { constants } from "node:os";
import { GitSpawnError } from "../git-runner.ts";
import type { SpawnExit, SpawnRequest } from "./process-spawner.ts";

export const PROTOCOL_VERSION = 1;

/** Bound of a request's body; the kernel takes about 2 MiB of arguments and variables. */
export const REQUEST_BYTES_MAX: number = 8 * 1024 * 1024;

export const HEADER_BYTES = 16;
export const ORDER_BYTES = 16;

export const ROLE = { stdout: 0, stdin: 1, stderr: 2, channel: 3 } as const;
export const FLAG = { stdin: 1, stderr: 2, channel: 4, pipe: 8 } as const;
export const ABILITY = { pipe: 1 } as const;
export const SAYS = { ready: 1, started: 2, failed: 3, exited: 4 } as const;
export const ASKS = { kill: 1, cancel: 2, release: 3 } as const;
export const STAGE = { request: 1, limit: 2, fork: 3, cwd: 4, exec: 5 } as const;

/** A frame on the control connection, without its length. */
export interface Report {
  readonly type: number;
  readonly id: number;
  readonly body: Buffer;
}

export function encodeHeader(role: number, id: number, flags = 0, bodyBytes = 0): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  writeNumbers(header, role, id, flags, bodyBytes);
  return header;
}

/** Header and body of a request. Throws `GitSpawnError` when it is too large. */
export function encodeRequest(id: number, request: SpawnRequest): Buffer {
  const { program, cwd, args, env } = request;
  const strings = encodeStrings([program, cwd, ...args, ...env]);
  const bodyBytes = 8 + strings.length;
  if (bodyBytes > REQUEST_BYTES_MAX) throw new GitSpawnError("argument list too long", "E2BIG");
  const flags =
    (request.stdin === "socket" ? FLAG.stdin : 0) |
    (request.stdin === "pipe" ? FLAG.pipe : 0) |
    (request.stderr === "stream" ? FLAG.stderr : 0) |
    (request.channel ? FLAG.channel : 0);
  const head = Buffer.allocUnsafe(HEADER_BYTES + 8);
  writeNumbers(head, ROLE.stdout, id, flags, bodyBytes, args.length, env.length);
  return Buffer.concat([head, strings], head.length + strings.length);
}

function encodeStrings(strings: readonly (string | Uint8Array)[]): Buffer {
  if (strings.every((text) => typeof text === "string")) {
    return Buffer.from(`${strings.join("\0")}\0`);
  }
  const end = Buffer.alloc(1);
  return Buffer.concat(
    strings.flatMap((text) => [typeof text === "string" ? Buffer.from(text) : text, end]),
  );
}

export function encodeOrder(type: number, id: number, value: number): Buffer {
  const order = Buffer.allocUnsafe(ORDER_BYTES);
  writeNumbers(order, type, id, value, 0);
  return order;
}

function writeNumbers(target: Buffer, ...numbers: readonly number[]): void {
  let at = 0;
  for (const number of numbers) at = target.writeUInt32LE(number, at);
}

/** Cuts the bytes of the control connection into reports. */
export class ReportReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Returns the reports that are complete with `chunk`. */
  push(chunk: Buffer): Report[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const reports: Report[] = [];
    let at = 0;
    while (bytes.length - at >= 12) {
      const end = at + 4 + bytes.readUInt32LE(at);
      if (end > bytes.length) break;
      const [type, id] = [bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 8)];
      reports.push({ type, id, body: bytes.subarray(at + 12, end) });
      at = end;
    }
    this.#rest = bytes.subarray(at);
    return reports;
  }
}

const EXIT_NUMBERS_BYTES = 8 + 9 * 8;

/** Reads the body of "exited". */
export function decodeExit(body: Buffer): SpawnExit {
  const signal = body.readUInt32LE(4);
  const number = (index: number) => Number(body.readBigUInt64LE(8 + index * 8));
  return {
    exitCode: body.readInt32LE(0),
    signal: signal === 0 ? undefined : signalName(signal),
    stderr: body.subarray(EXIT_NUMBERS_BYTES),
    usage: {
      userMicroseconds: number(0),
      systemMicroseconds: number(1),
      maxRssKilobytes: number(2),
      minorPageFaults: number(3),
      majorPageFaults: number(4),
      blocksRead: number(5),
      blocksWritten: number(6),
      voluntarySwitches: number(7),
      involuntarySwitches: number(8),
    },
  };
}

/** The number of each signal's name on this machine. */
export function signalNumber(name: NodeJS.Signals): number {
  return constants.signals[name];
}

function signalName(number: number): NodeJS.Signals {
  for (const [name, value] of Object.entries(constants.signals)) {
    if (value === number && isSignalName(name)) return name;
  }
  return "SIGKILL";
}

function isSignalName(name: string): name is NodeJS.Signals {
  return Object.hasOwn(constants.signals, name);
}
