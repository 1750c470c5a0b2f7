import type { Readable } from "node:stream";
import { quoteText } from "../../base/text/quote-text.ts";
import { type SidebandNumber, splitSideband } from "../../git/pkt-line/sideband.ts";
import { GitExitError, type GitProcess, type GitRunner } from "../../gitcmd/git-runner.ts";
import { hooksPayloadFromEnvironment } from "../../hooks/payload/hooks-payload.ts";
import type { HookService } from "../../proto/hook_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, wrapError } from "../../rpc/rpc-error.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type HookSidechannel, openHookSidechannel } from "./hook-sidechannel.ts";
import { type PackObjectsArgs, parsePackObjectsArgs } from "./pack-objects-args.ts";

type Needs = { readonly locator: RepositoryLocator; readonly git: GitRunner };
type PackObjectsHook = Handler<typeof HookService.method.packObjectsHookWithSidechannel>;

/** How much of git's stderr an error names. */
const STDERR_BYTES_MAX = 64 * 1024;

const PACK_BAND = 1;
const PROGRESS_BAND = 2;

/**
 * Makes the pack that a `git upload-pack` wants, in place of its own `git pack-objects`.
 *
 * What goes into it comes over a connection of the hook's, and the pack and its progress go back
 * over it as sidebands without a flush at the end.
 */
export function packObjectsHookWithSidechannel({ locator, git }: Needs): PackObjectsHook {
  return async (request, call) => {
    const repository = locateRepository(locator, request.repository);
    const args = parsePackObjectsArgs(request.args);
    using sidechannel = await openHookSidechannel(call.metadata, call.signal);
    checkPayload(request.environmentVariables);
    try {
      await packObjects(git, repository, args, sidechannel, call);
    } catch (error) {
      call.signal.throwIfAborted();
      throw wrapError("internal", "pack objects hook", error);
    }
    return {};
  };
}

function checkPayload(variables: readonly string[]): void {
  try {
    hooksPayloadFromEnvironment(variables);
  } catch (error) {
    throw wrapError("internal", "hook payload from env", error);
  }
}

async function packObjects(
  git: GitRunner,
  repository: LocatedRepository,
  { flags, ignoresShallowFile }: PackObjectsArgs,
  sidechannel: HookSidechannel,
  call: Call,
): Promise<void> {
  const env = ignoresShallowFile ? { GIT_SHALLOW_FILE: "" } : {};
  const command = { name: "pack-objects", flags: ["--stdout", ...flags], env } as const;
  await using process = await git.start(repository, command, {
    ...gitCall(call),
    stdin: "pipe",
    stderr: "stream",
  });
  const traffic = new Traffic(sidechannel);
  await Promise.all([
    process.feed(sidechannel.input()),
    traffic.relay(process.stdout, PACK_BAND),
    traffic.relay(process.stderr, PROGRESS_BAND),
  ]);
  Object.assign(call.logFields, traffic.logFields());
  await waitFor(process, traffic.stderr);
  await sidechannel.end();
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
  readonly #sidechannel: HookSidechannel;
  readonly #stderr: Buffer[] = [];
  #stderrBytes = 0;
  #sentBytes = 0;

  constructor(sidechannel: HookSidechannel) {
    this.#sidechannel = sidechannel;
  }

  /** The start of what git has said. */
  get stderr(): string {
    return Buffer.concat(this.#stderr).toString();
  }

  async relay(stream: Readable, band: SidebandNumber): Promise<void> {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (band === PROGRESS_BAND) this.#note(chunk);
      const packets = [...splitSideband(band, chunk)];
      this.#sentBytes += packets.reduce((sum, { length }) => sum + length, 0);
      await this.#sidechannel.write(packets);
    }
  }

  logFields(): Record<string, unknown> {
    const [total] = /Total [^\n]*/.exec(this.stderr) ?? [];
    return {
      "pack_objects_cache.generated_bytes": this.#sentBytes,
      "pack_objects_cache.served_bytes": this.#sentBytes,
      ...(total !== undefined && { "pack_objects.compression_statistics": total }),
    };
  }

  #note(chunk: Buffer): void {
    if (this.#stderrBytes + chunk.length > STDERR_BYTES_MAX) return;
    this.#stderrBytes += chunk.length;
    this.#stderr.push(chunk);
  }
}
