import { type Channel, dial } from "../../rpc/client/channel.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";
import type { GitalyServer } from "./gitaly-servers.ts";

/** Channels that are kept; the one that was used longest ago makes room. */
const CHANNELS_MAX = 100;

/** Connections to other servers, shared by all calls that need one of them. */
export class ServerChannels implements AsyncDisposable {
  readonly #channels = new Map<string, Channel>();
  #closing: Promise<void>[] = [];

  /**
   * The channel to a server, which is called when the channel is first used.
   *
   * @throws RpcError of kind `unknown` when the address is none
   */
  channel({ address, token }: GitalyServer): Channel {
    if (address === "") throw new RpcError("unknown", "address is empty");
    const key = JSON.stringify([address, token]);
    const channel = this.#channels.get(key) ?? open(address, token);
    this.#channels.delete(key);
    this.#channels.set(key, channel);
    this.#makeRoom();
    return channel;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const channels = [...this.#channels.values()];
    this.#channels.clear();
    await Promise.all([...this.#closing, ...channels.map((channel) => channel.close())]);
  }

  #makeRoom(): void {
    for (const [key, channel] of this.#channels) {
      if (this.#channels.size <= CHANNELS_MAX) return;
      this.#channels.delete(key);
      const closing = channel.close().finally(() => {
        this.#closing = this.#closing.filter((other) => other !== closing);
      });
      this.#closing.push(closing);
    }
  }
}

function open(address: string, token: string): Channel {
  try {
    return dial(address, token === "" ? {} : { token });
  } catch (error) {
    throw wrapError("unknown", "could not dial source", error);
  }
}
