import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { basename } from "node:path";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import type { RequestMetadata } from "../../rpc/call.ts";
import { cancelled, internal, invalidArgument } from "../../rpc/rpc-error.ts";
import { sendTo } from "../common/relay.ts";

/** Names the socket that a hook listens on. */
const SOCKET_KEY = "gitaly-sidechannel-socket";

/** The only name that the socket may have. */
const SOCKET_NAME = "sidechannel";

const CONNECT_TIMEOUT_MS = 1000;

/**
 * The connection beside a call to a hook on the same machine: it sends what git has asked for, and
 * takes bytes that are too many for messages. Both sides end their half by themselves.
 */
export class HookSidechannel implements Disposable {
  readonly #socket: Socket;
  #failed = false;

  /** @param socket connected, with `allowHalfOpen` */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => {
      this.#failed = true;
    });
  }

  /** What the hook sends, until it ends its half. A hook that goes away has said everything. */
  async *input(): AsyncGenerator<Buffer, void, undefined> {
    try {
      yield* this.#socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    } catch (error) {
      if (!this.#failed) throw error;
    }
  }

  /** Sends pieces in one go; settles when nothing needs their memory any more. */
  async write(pieces: readonly Uint8Array[]): Promise<void> {
    try {
      await sendTo(this.#socket, pieces);
    } catch {
      throw gone();
    }
  }

  /** Ends our half; settles when everything is on its way. */
  async end(): Promise<void> {
    const socket = this.#socket;
    if (!socket.destroyed) socket.end();
    while (!socket.destroyed && !socket.writableFinished) await settled(socket);
    if (this.#failed) throw gone();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** Connects to the hook that has made the call. */
export async function openHookSidechannel(
  metadata: RequestMetadata,
  signal: AbortSignal,
): Promise<HookSidechannel> {
  const path = metadata.get(SOCKET_KEY) ?? "";
  if (basename(path) !== SOCKET_NAME) {
    throw invalidArgument(`invalid side channel address: ${quoteText(path)}`);
  }
  const socket = connect({ path, allowHalfOpen: true });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]);
  try {
    await once(socket, "connect", { signal: limit });
  } catch (cause) {
    socket.destroy();
    signal.throwIfAborted();
    const reason = systemErrorText(cause).replace(/^connect [^:]*: /, "connect: ");
    throw internal(`get side-channel: dial unix ${path}: ${reason}`, { cause });
  }
  return new HookSidechannel(socket);
}

function settled(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off("finish", done).off("close", done);
      resolve();
    };
    socket.on("finish", done).on("close", done);
  });
}

function gone(): Error {
  return cancelled("broken pipe");
}
