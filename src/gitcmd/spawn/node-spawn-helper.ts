/**
 * The process helper in Node, for machines where the one in C (`native/spawn-helper.c`) could not
 * be compiled: same arguments, same protocol (`helper-protocol.ts`), same test.
 *
 * It differs where Node can do no better. Costs of a process are the growth of what the kernel
 * counts for all ended children, in steps of 10 ms, and only CPU time and page faults; processes
 * live on when the helper itself is killed.
 */
import { isUtf8 } from "node:buffer";
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync, statSync } from "node:fs";
import { createServer, Socket } from "node:net";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import {
  ASKS,
  FLAG,
  HEADER_BYTES,
  ORDER_BYTES,
  PROTOCOL_VERSION,
  REQUEST_BYTES_MAX,
  ROLE,
  SAYS,
  STAGE,
} from "./helper-protocol.ts";
import { STDERR_COLLECTED_BYTES_MAX } from "./process-spawner.ts";

/** From SIGTERM to SIGKILL when the server is gone. */
const SHUTDOWN_MS = 5000;
/** How long a killed group may take to vanish before its end is reported. */
const AFTER_KILL_MS = 50;
/** How often a cancelled group is looked at. */
const POLL_MS = 5;
/** How long stderr may stay open after the process, in the hands of its children. */
const STDERR_LINGER_MS = 20;

const CONTROL_FD = 3;

interface Program {
  readonly path: string;
  readonly cwd: string;
  readonly args: readonly Buffer[];
  readonly env: Readonly<Record<string, string>>;
}

interface Entry {
  readonly id: number;
  readonly streams: (Socket | undefined)[];
  flags: number;
  program: Program | undefined;
  child?: ChildProcess;
  /** Set when the group is being ended. */
  killAtMs?: number;
  isKilled?: boolean;
  /** Reports the end; set when the process itself has ended. */
  finish?: () => void;
}

const entries = new Map<number, Entry>();
const control = new Socket({ fd: CONTROL_FD, readable: true, writable: true });
let countedBefore: readonly number[] = [0, 0, 0, 0];

// ---- what the server is told ----

function tell(type: number, id: number, body: Buffer = Buffer.alloc(0)): void {
  if (control.destroyed) return;
  const head = Buffer.alloc(12);
  head.writeUInt32LE(8 + body.length, 0);
  head.writeUInt32LE(type, 4);
  head.writeUInt32LE(id, 8);
  control.write(Buffer.concat([head, body]));
}

function numbers(...values: readonly number[]): Buffer {
  const body = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => {
    body.writeInt32LE(value, 4 * index);
  });
  return body;
}

function fail(entry: Entry, stage: number, errno: number): void {
  entries.delete(entry.id);
  for (const stream of entry.streams) stream?.destroy();
  tell(SAYS.failed, entry.id, numbers(stage, errno));
}

function tellExit(id: number, code: number, signal: number, stderr: Buffer): void {
  const counted = countChildren();
  const [user = 0, system = 0, minor = 0, major = 0] = counted.map(
    (count, index) => count - (countedBefore[index] ?? 0),
  );
  countedBefore = counted;
  const facts = Buffer.alloc(9 * 8);
  facts.writeBigUInt64LE(BigInt(user * 10_000), 0);
  facts.writeBigUInt64LE(BigInt(system * 10_000), 8);
  facts.writeBigUInt64LE(BigInt(minor), 24);
  facts.writeBigUInt64LE(BigInt(major), 32);
  tell(SAYS.exited, id, Buffer.concat([numbers(code, signal), facts, stderr]));
}

/** Ticks in user and system mode, minor and major faults of all children that have ended. */
function countChildren(): readonly number[] {
  try {
    const stat = readFileSync("/proc/self/stat", "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return [fields[13], fields[14], fields[8], fields[10]].map(Number);
  } catch {
    return countedBefore;
  }
}

// ---- connections ----

function accept(socket: Socket): void {
  let bytes: Buffer = Buffer.alloc(0);
  socket.on("error", () => undefined);
  const receive = (chunk: Buffer) => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    if (bytes.length < HEADER_BYTES) return;
    const bodyBytes = bytes.readUInt32LE(12);
    if (bodyBytes > REQUEST_BYTES_MAX) socket.destroy();
    if (bytes.length < HEADER_BYTES + bodyBytes) return;
    socket.off("data", receive);
    assign(socket, bytes);
  };
  // The server sends nothing more before it was told of the start, so this is a giving up.
  socket.once("end", () => socket.destroy());
  socket.on("data", receive);
}

function assign(socket: Socket, bytes: Buffer): void {
  const [role, id, flags] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readUInt32LE(8)];
  const entry = entries.get(id) ?? { id, streams: [], flags: 0, program: undefined };
  if (role > ROLE.channel || entry.child !== undefined || entry.streams[role] !== undefined) {
    socket.destroy();
    return;
  }
  entries.set(id, entry);
  entry.streams[role] = socket;
  socket.once("close", () => {
    if (entries.get(id) === entry && entry.child === undefined) {
      fail(entry, STAGE.request, constants.errno.ECONNRESET);
    }
  });
  if (role === ROLE.stdout) {
    entry.flags = flags;
    entry.program = parseProgram(bytes.subarray(HEADER_BYTES));
    if (entry.program === undefined) fail(entry, STAGE.request, constants.errno.EINVAL);
  }
  if (isComplete(entry)) start(entry, entry.program);
}

function isComplete(entry: Entry): entry is Entry & { program: Program } {
  const has = (flag: number, role: number) =>
    (entry.flags & flag) === 0 || entry.streams[role] !== undefined;
  return (
    entry.program !== undefined &&
    has(FLAG.stdin, ROLE.stdin) &&
    has(FLAG.stderr, ROLE.stderr) &&
    has(FLAG.channel, ROLE.channel)
  );
}

function parseProgram(body: Buffer): Program | undefined {
  if (body.length <= 8 || body.at(-1) !== 0) return undefined;
  const [argCount, envCount] = [body.readUInt32LE(0), body.readUInt32LE(4)];
  const strings: Buffer[] = [];
  for (let at = 8; at < body.length; ) {
    const end = body.indexOf(0, at);
    strings.push(body.subarray(at, end));
    at = end + 1;
  }
  const [path, cwd, ...rest] = strings;
  if (path?.[0] !== 0x2f || cwd?.[0] !== 0x2f || rest.length !== argCount + envCount)
    return undefined;
  const env = rest.slice(argCount).map((variable) => {
    const text = variable.toString();
    const at = text.indexOf("=");
    return [text.slice(0, at), text.slice(at + 1)];
  });
  const args = rest.slice(0, argCount);
  return { path: path.toString(), cwd: cwd.toString(), args, env: Object.fromEntries(env) };
}

// ---- starting ----

function start(entry: Entry, program: Program): void {
  const [stdout, stdin, stderr, channel] = entry.streams;
  const hasChannel = channel !== undefined;
  // From here on they are read by the process, not by us.
  for (const socket of [stdout, stdin, channel]) socket?.pause();
  const outputs = hasChannel ? [stdout, channel, "pipe" as const] : [stdout, "pipe" as const];
  let child: ChildProcess;
  try {
    const [file, args] = commandOf(program, hasChannel);
    child = spawn(file, args, {
      cwd: program.cwd,
      env: program.env,
      detached: true,
      stdio: [stdin ?? "ignore", ...outputs],
    });
  } catch (error) {
    failStart(entry, program, error);
    return;
  }
  entry.child = child;
  child.once("error", (error) => {
    if (child.pid === undefined) failStart(entry, program, error);
  });
  if (child.pid === undefined) return;
  for (const socket of [stdout, stdin, channel]) socket?.destroy();
  const pipe = child.stdio[outputs.length];
  if (!(pipe instanceof Socket)) throw new TypeError("the pipe of stderr is missing");
  const collected = stderr === undefined ? collect(pipe) : relay(pipe, stderr);
  child.once("exit", (code, signal) => {
    const report = () => {
      entries.delete(entry.id);
      const number = signal === null ? 0 : constants.signals[signal];
      tellExit(entry.id, code ?? -1, number, collected());
    };
    // A stream goes on by itself until the last child that has it ends.
    entry.finish = stderr === undefined ? () => whenEnded(pipe, report) : report;
    if (entry.killAtMs === undefined) entry.finish();
  });
  tell(SAYS.started, entry.id, numbers(child.pid));
}

function failStart(entry: Entry, { cwd }: Program, error: unknown): void {
  const errno = error instanceof Error && "errno" in error ? Number(error.errno) : 0;
  // Node reports a missing folder as a missing program.
  const stage = isDirectory(cwd) ? STAGE.exec : STAGE.cwd;
  fail(entry, stage, errno === 0 ? constants.errno.EIO : -errno);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/**
 * What to run. Two things take a shell, since Node can't do them: hand over bytes that aren't
 * UTF-8, and hand over a socket in blocking state as descriptor 3 (it can as 0 to 2).
 */
function commandOf(program: Program, hasChannel: boolean): [string, string[]] {
  const isPlain = !hasChannel && program.args.every((argument) => isUtf8(argument));
  return isPlain ? [program.path, program.args.map(String)] : shellCommand(program, hasChannel);
}

/** Arguments that aren't UTF-8 are spelled out; a channel comes as descriptor 2, stderr as 3. */
function shellCommand({ path, args }: Program, hasChannel: boolean): [string, string[]] {
  const odd = args.map((argument) => !isUtf8(argument));
  const spelled = args.flatMap((argument, index) => {
    if (odd[index] !== true) return [];
    const octal = Array.from(argument, (byte) => `\\0${byte.toString(8).padStart(3, "0")}`).join(
      "",
    );
    return [`a${index}=$(printf %b '${octal}.')`];
  });
  const words = args.map((_, index) =>
    odd[index] === true ? `"\${a${index}%.}"` : `"\${${index + 1}}"`,
  );
  const swap = hasChannel ? ["exec 4>&3 3<&2 2>&4 4>&-"] : [];
  const script = [...spelled, ...swap, ["exec", '"$0"', ...words].join(" ")].join("\n");
  const texts = args.map((argument, index) => (odd[index] === true ? "" : argument.toString()));
  return ["/bin/sh", ["-c", script, path, ...texts]];
}

function collect(pipe: Readable): () => Buffer {
  const chunks: Buffer[] = [];
  let room = STDERR_COLLECTED_BYTES_MAX;
  pipe.on("data", (chunk: Buffer) => {
    if (room > 0) chunks.push(chunk.subarray(0, room));
    room -= chunk.length;
  });
  return () => Buffer.concat(chunks);
}

function relay(pipe: Readable, stderr: Socket): () => Buffer {
  pipe.pipe(stderr);
  stderr.once("close", () => pipe.resume());
  return () => Buffer.alloc(0);
}

function whenEnded(pipe: Socket, report: () => void): void {
  const timer = setTimeout(() => pipe.destroy(), STDERR_LINGER_MS);
  const onClose = () => {
    clearTimeout(timer);
    report();
  };
  if (pipe.closed) onClose();
  else pipe.once("close", onClose);
}

// ---- ending ----

function signalGroup({ child }: Entry, signal: number): boolean {
  try {
    return child?.pid !== undefined && process.kill(-child.pid, signal);
  } catch {
    return false;
  }
}

function cancel(entry: Entry, graceMs: number): void {
  if (entry.child?.pid === undefined) fail(entry, STAGE.request, constants.errno.ECANCELED);
  if (entry.child?.pid === undefined || entry.killAtMs !== undefined) return;
  entry.killAtMs = performance.now() + graceMs;
  signalGroup(entry, constants.signals.SIGTERM);
  const timer = setInterval(() => {
    if (advance(entry)) clearInterval(timer);
  }, POLL_MS);
}

/** Returns true when there is nothing left to do. */
function advance(entry: Entry): boolean {
  if (!entries.has(entry.id)) return true;
  const isDue = performance.now() >= (entry.killAtMs ?? 0);
  const isGone = entry.finish !== undefined && !signalGroup(entry, 0);
  if (entry.finish !== undefined && (isGone || (isDue && entry.isKilled === true))) {
    entry.finish();
    return true;
  }
  if (isDue) {
    signalGroup(entry, constants.signals.SIGKILL);
    entry.isKilled = true;
    entry.killAtMs = performance.now() + AFTER_KILL_MS;
  }
  return false;
}

function obey(order: Buffer): void {
  const [type, id, value] = [order.readUInt32LE(0), order.readUInt32LE(4), order.readUInt32LE(8)];
  const entry = entries.get(id);
  if (entry === undefined) return;
  if (type === ASKS.cancel) cancel(entry, value);
  else if (type === ASKS.kill && entry.finish === undefined) signalGroup(entry, value);
}

function listen(socketPath: string): void {
  const server = createServer({ allowHalfOpen: true }, accept);
  let rest: Buffer = Buffer.alloc(0);
  control.on("data", (chunk: Buffer) => {
    const orders = Buffer.concat([rest, chunk]);
    let at = 0;
    for (; at + ORDER_BYTES <= orders.length; at += ORDER_BYTES) obey(orders.subarray(at));
    rest = orders.subarray(at);
  });
  control.on("error", () => undefined);
  // The server is gone: ends every group, then this program.
  control.once("close", () => {
    server.close();
    rmSync(socketPath, { force: true });
    for (const entry of entries.values()) cancel(entry, SHUTDOWN_MS);
    setTimeout(() => process.kill(process.pid, "SIGKILL"), 4 * SHUTDOWN_MS).unref();
  });
  // A stop of the whole service reaches us too, but the server may still need its processes.
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const)
    process.on(signal, () => undefined);
  server.listen(socketPath, () => tell(SAYS.ready, PROTOCOL_VERSION));
}

listen(process.argv[2] ?? "");
