import type { Duplex } from "node:stream";
import { BackchannelStream } from "./backchannel-stream.ts";
import { ClientSidechannel } from "./client-sidechannel.ts";
import { CONFIRMATION, ID_BYTES, SIDECHANNEL_MAGIC, SIDECHANNEL_TIMEOUT_MS } from "./greeting.ts";
import { readExactly } from "./read-exactly.ts";
import { SidechannelError } from "./sidechannel-error.ts";

/** What a client does with a sidechannel once the server has opened it. */
export type SidechannelUse = (stream: ClientSidechannel) => Promise<void>;

/** A callback that waits for its sidechannel. */
export interface SidechannelWaiter {
  readonly id: bigint;
  /**
   * Settles with the callback. Throws what it threw, or a SidechannelError when the server hasn't
   * opened the sidechannel, which it can't do from now on.
   */
  finish(): Promise<void>;
  /**
   * Gives the sidechannel up and settles when the callback has, which may read on for so long.
   * Never throws.
   */
  abandon(graceMs: number): Promise<void>;
}

interface Waiting {
  readonly use: SidechannelUse;
  running: { readonly stream: ClientSidechannel; readonly done: Promise<void> } | undefined;
}

/** Knows which call wants which sidechannel: a client has one for each of its channels. */
export class SidechannelRegistry {
  readonly #waiting = new Map<bigint, Waiting>();
  readonly #onBackchannel: ((stream: Duplex) => void) | undefined;
  #nextId = 0n;

  /** `onBackchannel` takes the streams on which the server calls the client. */
  constructor(onBackchannel?: (stream: Duplex) => void) {
    this.#onBackchannel = onBackchannel;
  }

  /** Prepares for a sidechannel. The id goes into the metadata of the call. */
  register(use: SidechannelUse): SidechannelWaiter {
    const id = this.#nextId;
    this.#nextId += 1n;
    const waiting: Waiting = { use, running: undefined };
    this.#waiting.set(id, waiting);
    const finish = async (): Promise<void> => {
      this.#waiting.delete(id);
      if (waiting.running === undefined) {
        throw new SidechannelError("callback de-registered without having run");
      }
      await waiting.running.done;
    };
    const abandon = async (graceMs: number): Promise<void> => {
      const cut = (): void => {
        waiting.running?.stream.destroy(new SidechannelError("call failed"));
      };
      const timer = setTimeout(cut, graceMs);
      await finish().catch(() => undefined);
      clearTimeout(timer);
    };
    return { id, finish, abandon };
  }

  /** Takes a stream that the server has opened. */
  async accept(stream: Duplex): Promise<void> {
    try {
      await this.#dispatch(stream);
    } catch {
      stream.destroy();
    }
  }

  async #dispatch(stream: Duplex): Promise<void> {
    const limit = AbortSignal.timeout(SIDECHANNEL_TIMEOUT_MS);
    const magic = await readExactly(stream, SIDECHANNEL_MAGIC.length, limit);
    if (!magic.equals(SIDECHANNEL_MAGIC)) {
      if (this.#onBackchannel === undefined) throw new SidechannelError("unknown magic bytes");
      stream.unshift(magic);
      this.#onBackchannel(new BackchannelStream(stream));
      return;
    }
    const id = (await readExactly(stream, ID_BYTES, limit)).readBigInt64BE();
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) throw new SidechannelError("ID not registered");
    this.#waiting.delete(id);
    stream.write(CONFIRMATION);
    const sidechannel = new ClientSidechannel(stream);
    const done = useUp(waiting.use, sidechannel);
    done.catch(() => undefined);
    waiting.running = { stream: sidechannel, done };
  }
}

/** Runs the callback and closes the stream after it, at the other side too. */
async function useUp(use: SidechannelUse, stream: ClientSidechannel): Promise<void> {
  try {
    await use(stream);
  } finally {
    stream.destroy();
  }
}
