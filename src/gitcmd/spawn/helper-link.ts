import { type ChildProcess, spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import { Duplex, type Writable } from "node:stream";
import { getSystemErrorMap, getSystemErrorName } from "node:util";
import { GitSpawnError } from "../git-runner.ts";
import type { HelperProgram } from "./helper-program.ts";
import {
  ABILITY,
  ASKS,
  decodeExit,
  encodeHeader,
  encodeOrder,
  encodeRequest,
  PROTOCOL_VERSION,
  type Report,
  ReportReader,
  ROLE,
  SAYS,
  STAGE,
  signalNumber,
} from "./helper-protocol.ts";
import { openNamedPipe } from "./open-named-pipe.ts";
import type { SpawnExit, SpawnedProcess, SpawnRequest } from "./process-spawner.ts";

/** Ids count up to here and begin anew. */
const ID_MAX = 0xffff_fffe;

/** A process between its request and its end. */
interface Entry {
  readonly request: SpawnRequest;
  readonly started: PromiseWithResolvers<number>;
  readonly exited: PromiseWithResolvers<SpawnExit>;
}

/** The streams of one process. */
interface Streams {
  readonly stdin: Writable | undefined;
  readonly stdout: Socket;
  readonly stderr: Socket | undefined;
  readonly channel: Socket | undefined;
}

/** One run of the helper program, from its start to its end. */
export class HelperLink implements AsyncDisposable {
  readonly #control: Duplex;
  readonly #socketPath: string;
  readonly #reports = new ReportReader();
  readonly #entries = new Map<number, Entry>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #lastId = 0;
  #hasPipes = false;
  #isOpen = true;

  private constructor(child: ChildProcess, control: Duplex, socketPath: string) {
    this.#control = control;
    this.#socketPath = socketPath;
    control.on("data", (chunk: Buffer) => {
      for (const report of this.#reports.push(chunk)) this.#receive(report);
    });
    control.on("error", () => undefined);
    control.once("close", () => this.#lose());
    child.once("error", (error) => this.#ready.reject(error));
    child.once("exit", () => {
      control.destroy();
      this.#ended.resolve();
    });
  }

  /** Starts the program and waits until it listens. Throws `GitSpawnError`. */
  static async open([program, ...args]: HelperProgram, socketPath: string): Promise<HelperLink> {
    // In a session of its own, so that Ctrl-C at the server's terminal doesn't reach git first.
    const child = spawn(program, [...args, socketPath], {
      cwd: "/",
      detached: true,
      env: {},
      stdio: ["ignore", "ignore", "inherit", "pipe"],
    });
    const control = child.stdio[3];
    if (!(control instanceof Duplex)) throw new TypeError("the helper's connection is missing");
    const link = new HelperLink(child, control, socketPath);
    try {
      await link.#ready.promise;
    } catch (cause) {
      throw new GitSpawnError("process helper did not start", "EIO", {
        cause,
        metadata: { helper: program },
      });
    }
    return link;
  }

  /** False once the helper has ended, by itself or disposed. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  async spawn(wish: SpawnRequest): Promise<SpawnedProcess> {
    const id = this.#nextId();
    const isPiped = wish.stdin === "pipe" && this.#hasPipes;
    const stdin = wish.stdin === "pipe" && !isPiped ? "socket" : wish.stdin;
    const request: SpawnRequest = { ...wish, stdin };
    const entry: Entry = {
      request,
      started: Promise.withResolvers(),
      exited: Promise.withResolvers(),
    };
    const bytes = encodeRequest(id, request);
    this.#entries.set(id, entry);
    const streams: Streams = this.#connect(id, bytes, request);
    try {
      const pid = await entry.started.promise;
      const pipe = isPiped ? await this.#openPipe(id) : undefined;
      for (const stream of [streams.stdout, streams.stderr, streams.channel]) readFromNow(stream);
      return this.#spawned(id, pid, { ...streams, stdin: pipe ?? streams.stdin }, entry);
    } catch (error) {
      this.#entries.delete(id);
      for (const stream of Object.values(streams)) stream?.destroy();
      throw error;
    }
  }

  /** Ends the helper, which ends all processes that still run. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#control.destroy();
    this.#lose();
    await this.#ended.promise;
  }

  #nextId(): number {
    do {
      this.#lastId = this.#lastId === ID_MAX ? 1 : this.#lastId + 1;
    } while (this.#entries.has(this.#lastId));
    return this.#lastId;
  }

  /** The request goes last: when it arrives, the others are on their way. */
  #connect(id: number, bytes: Buffer, request: SpawnRequest): Streams {
    // After the start nobody minds: a process that ends while it is written to is no accident.
    const open = (role: number, first = encodeHeader(role, id)) =>
      openStream(this.#socketPath, first, (cause) => this.#giveUp(id, cause));
    const stdin = request.stdin === "socket" ? open(ROLE.stdin) : undefined;
    const stderr = request.stderr === "stream" ? open(ROLE.stderr) : undefined;
    const channel = request.channel ? open(ROLE.channel) : undefined;
    const stdout = open(ROLE.stdout, bytes);
    for (const stream of [stdout, stderr, channel]) stream?.pause();
    // Git never writes to its stdin; reading is how its end is noticed.
    stdin?.resume();
    return { stdin, stdout, stderr, channel };
  }

  async #openPipe(id: number): Promise<Writable> {
    const pipe = await openNamedPipe(`${this.#socketPath}.${id}`);
    this.#ask(ASKS.release, id, 0);
    return pipe;
  }

  #spawned(id: number, pid: number, streams: Streams, entry: Entry): SpawnedProcess {
    return {
      pid,
      ...streams,
      exited: entry.exited.promise,
      kill: (signal) => this.#ask(ASKS.kill, id, signalNumber(signal)),
      cancel: (graceMs) => this.#ask(ASKS.cancel, id, graceMs),
    };
  }

  #ask(type: number, id: number, value: number): void {
    if (this.#isOpen && this.#entries.has(id)) this.#control.write(encodeOrder(type, id, value));
  }

  /** The helper closes what it has of a start when one of its connections ends. */
  #giveUp(id: number, cause: unknown): void {
    const error = new GitSpawnError("process helper can't be reached", "EIO", { cause });
    this.#entries.get(id)?.started.reject(error);
  }

  #receive({ type, id, body }: Report): void {
    if (type === SAYS.ready) {
      this.#hasPipes = body.length > 0 && (body.readUInt32LE(0) & ABILITY.pipe) !== 0;
      if (id === PROTOCOL_VERSION) this.#ready.resolve();
      else this.#ready.reject(new Error("the process helper is of another version"));
      return;
    }
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    if (type === SAYS.started) {
      entry.started.resolve(body.readUInt32LE(0));
    } else if (type === SAYS.failed) {
      entry.started.reject(startError(entry.request, body.readUInt32LE(0), body.readUInt32LE(4)));
    } else if (type === SAYS.exited) {
      this.#entries.delete(id);
      entry.exited.resolve(decodeExit(body));
    }
  }

  /** The helper is gone, and with it whoever could tell what became of its processes. */
  #lose(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#ready.reject(new Error("the process helper has ended"));
    for (const { started, exited } of this.#entries.values()) {
      started.reject(new GitSpawnError("process helper has ended", "EPIPE"));
      exited.resolve(LOST);
    }
    this.#entries.clear();
  }
}

const LOST: SpawnExit = {
  exitCode: -1,
  signal: "SIGKILL",
  stderr: Buffer.from("the process helper has ended\n"),
  usage: {
    userMicroseconds: 0,
    systemMicroseconds: 0,
    maxRssKilobytes: 0,
    minorPageFaults: 0,
    majorPageFaults: 0,
    blocksRead: 0,
    blocksWritten: 0,
    voluntarySwitches: 0,
    involuntarySwitches: 0,
  },
};

function openStream(path: string, first: Buffer, onError: (cause: Error) => void): Socket {
  const socket = connect({ path });
  socket.on("error", onError);
  socket.write(first);
  return socket;
}

/**
 * A process may have ended before its start is reported: had its stream been read by then, the end
 * would pass before anybody listens. So it is paused until now; null is the state of a new stream,
 * whose first reader starts it.
 */
function readFromNow(stream: Socket | undefined): void {
  if (stream !== undefined) Reflect.set(stream, "readableFlowing", null);
}

function startError({ program, cwd }: SpawnRequest, stage: number, errno: number): GitSpawnError {
  const [code, reason] = describeErrno(errno);
  const action = stage === STAGE.cwd ? `chdir ${cwd}` : `fork/exec ${program}`;
  return new GitSpawnError(`starting process: ${action}: ${reason}`, code);
}

function describeErrno(errno: number): [code: string, text: string] {
  const known = getSystemErrorMap().get(-errno);
  return known ?? [getSystemErrorName(-errno), `errno ${errno}`];
}
