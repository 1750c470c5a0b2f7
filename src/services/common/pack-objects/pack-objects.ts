import type { Readable } from "node:stream";
import type { Counter } from "../../../base/metric/counter.ts";
import type { MetricRegistry } from "../../../base/metric/metric-registry.ts";
import { quoteText } from "../../../base/text/quote-text.ts";
import { type SidebandNumber, splitSideband } from "../../../git/pkt-line/sideband.ts";
import type { CommandUsage } from "../../../gitcmd/command-usage.ts";
import { GitExitError, type GitProcess, type GitRunner } from "../../../gitcmd/git-runner.ts";
import type { Call } from "../../../rpc/call.ts";
import { internal } from "../../../rpc/rpc-error.ts";
import type {
  LocatedRepository,
  RepositoryAddress,
} from "../../../storage/locator/repository-locator.ts";
import type { TakePieces } from "../../../storage/stream-cache/kept-stream.ts";
import { passOn, type StreamCache } from "../../../storage/stream-cache/stream-cache.ts";
import { gitCall } from "../git-call.ts";
import { relay } from "../relay.ts";
import { PackInput } from "./pack-input.ts";
import type { PackLimits } from "./pack-limits.ts";
import { parsePackObjectsArgs } from "./pack-objects-args.ts";

/** How much of git's stderr an error names. */
const STDERR_BYTES_MAX = 64 * 1024;

const PACK_BAND = 1;
const PROGRESS_BAND = 2;

export interface PackObjectsOptions {
  readonly git: GitRunner;
  readonly limits: PackLimits;
  /** Undefined when each pack is made for one client alone. */
  readonly cache: StreamCache | undefined;
  readonly metrics: MetricRegistry;
}

/** A pack that somebody asks for. */
export interface PackRequest {
  readonly repository: LocatedRepository;
  /** The repository as the client names it. */
  readonly address: RepositoryAddress;
  /** The command line that `git upload-pack` would run. */
  readonly args: readonly string[];
  /** The transport: packs are shared within one. */
  readonly protocol: string;
  readonly remoteIp: string;
  /** Which objects go into it, as pack-objects reads it. */
  readonly input: AsyncIterable<Uint8Array>;
  /** When it is aborted, the client has gone away; default: the call's. */
  readonly signal?: AbortSignal;
  /** Where git's cost is noted, when that isn't the call's only one. */
  readonly usage?: CommandUsage;
}

/** Makes the packs that clients fetch, one for all that ask for the same where there is a cache. */
export class PackObjects {
  readonly limits: PackLimits;
  readonly #git: GitRunner;
  readonly #cache: StreamCache | undefined;
  readonly #lookups: Counter<"result">;
  readonly #served: Counter<never>;
  readonly #generated: Counter<never>;

  constructor({ git, limits, cache, metrics }: PackObjectsOptions) {
    this.limits = limits;
    this.#git = git;
    this.#cache = cache;
    this.#lookups = metrics.counter({
      name: "gitaly_pack_objects_cache_lookups_total",
      help: "Packs that were asked for, by whether they were there.",
      labels: ["result"],
    });
    this.#served = metrics.counter({
      name: "gitaly_pack_objects_served_bytes_total",
      help: "Bytes of packs and progress that clients were sent.",
    });
    this.#generated = metrics.counter({
      name: "gitaly_pack_objects_generated_bytes_total",
      help: "Bytes of packs and progress that git has made.",
    });
  }

  /** Whether identical packs are shared. */
  get isShared(): boolean {
    return this.#cache !== undefined;
  }

  /**
   * Hands a pack and its progress to `take`, as sidebands without a flush at the end.
   *
   * With the last client that goes away, git is ended. Rejects when git fails, or as
   * `PackLimits.enter` does.
   */
  async serve(request: PackRequest, take: TakePieces, call: Call): Promise<void> {
    const args = parsePackObjectsArgs(request.args);
    const input = await PackInput.read(keyPrefix(request), request.input);
    let isUsed = false;
    const produce = async (sink: TakePieces, signal: AbortSignal): Promise<void> => {
      isUsed = true;
      await using _input = input;
      const leave = await this.limits.enter(request.remoteIp, call, signal);
      try {
        await this.#make({ request, args, input }, { sink, call, signal });
      } finally {
        leave();
      }
    };
    try {
      const reader = { take, signal: request.signal ?? call.signal };
      const fetching =
        this.#cache === undefined
          ? passOn(reader, produce)
          : this.#cache.fetch(input.sha256, reader, produce);
      const { bytes, created } = await fetching;
      this.#lookups.inc({ result: created ? "miss" : "hit" });
      this.#served.inc({}, bytes);
      Object.assign(call.logFields, {
        "pack_objects_cache.key": input.sha256,
        "pack_objects_cache.served_bytes": bytes,
        "pack_objects_cache.hit": String(!created),
      });
    } finally {
      if (!isUsed) await input[Symbol.asyncDispose]();
    }
  }

  async #make({ request, args, input }: Made, { sink, call, signal }: Making): Promise<void> {
    const env = args.ignoresShallowFile ? { GIT_SHALLOW_FILE: "" } : {};
    const command = { name: "pack-objects", flags: ["--stdout", ...args.flags], env } as const;
    await using process = await this.#git.start(request.repository, command, {
      usage: request.usage ?? gitCall(call).usage,
      signal,
      stdin: "pipe",
      stderr: "stream",
    });
    const traffic = new Traffic(sink);
    try {
      await Promise.all([
        process.feed(input.bytes()),
        traffic.relay(process.stdout, PACK_BAND),
        traffic.relay(process.stderr, PROGRESS_BAND),
      ]);
      await waitFor(process, traffic.stderr);
    } finally {
      this.#generated.inc({}, traffic.sentBytes);
      Object.assign(call.logFields, {
        "pack_objects_cache.key": input.sha256,
        ...traffic.logFields(),
      });
    }
  }
}

interface Made {
  readonly request: PackRequest;
  readonly args: ReturnType<typeof parsePackObjectsArgs>;
  readonly input: PackInput;
}

interface Making {
  readonly sink: TakePieces;
  readonly call: Call;
  /** Not the call's: others may wait for the pack when that has gone. */
  readonly signal: AbortSignal;
}

/** What decides about a pack's content beside the objects that are asked for. */
function keyPrefix({ address, args, protocol }: PackRequest): string {
  const { storageName, relativePath, glRepository, glProjectPath } = address;
  const quarantine = [address.gitObjectDirectory, address.gitAlternateObjectDirectories];
  const repository = [storageName, relativePath, glRepository, glProjectPath, ...quarantine];
  return `${JSON.stringify([repository, args, protocol])}\n`;
}

async function waitFor(process: GitProcess, stderr: string): Promise<void> {
  try {
    await process.wait();
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    const message = `git-pack-objects: stderr: ${quoteText(stderr)} err: ${error.message}`;
    throw internal(message, { cause: error });
  }
}

/** Puts git's streams on bands, and notes what the call's log line says about them. */
class Traffic {
  sentBytes = 0;
  readonly #sink: TakePieces;
  readonly #stderr: Buffer[] = [];
  #stderrBytes = 0;

  constructor(sink: TakePieces) {
    this.#sink = sink;
  }

  /** The start of what git has said. */
  get stderr(): string {
    return Buffer.concat(this.#stderr).toString();
  }

  relay(stream: Readable, band: SidebandNumber): Promise<void> {
    return relay(stream, (chunk) => {
      if (band === PROGRESS_BAND) this.#note(chunk);
      const packets = [...splitSideband(band, chunk)];
      this.sentBytes += packets.reduce((sum, { length }) => sum + length, 0);
      return this.#sink(packets);
    });
  }

  logFields(): Record<string, unknown> {
    const [total] = /Total [^\n]*/.exec(this.stderr) ?? [];
    return {
      "pack_objects_cache.generated_bytes": this.sentBytes,
      ...(total !== undefined && { "pack_objects.compression_statistics": total }),
    };
  }

  #note(chunk: Buffer): void {
    if (this.#stderrBytes + chunk.length > STDERR_BYTES_MAX) return;
    this.#stderrBytes += chunk.length;
    // The chunk's memory is given back when it has been sent.
    this.#stderr.push(Buffer.from(chunk));
  }
}
