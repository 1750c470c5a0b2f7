import type { Channel } from "../../rpc/client/channel.ts";
import { type GitalyServer, parseGitalyServers } from "../../services/common/gitaly-servers.ts";
import { ServerChannels } from "../../services/common/server-channels.ts";

/** The servers of the environment's `GITALY_SERVERS`, and channels to them and to others. */
export class KnownServers implements AsyncDisposable {
  readonly #servers: ReadonlyMap<string, GitalyServer> | undefined;
  readonly #channels: ServerChannels = new ServerChannels();

  /** @throws RpcError when the variable is set to something that can't be read */
  constructor(environment: Readonly<Record<string, string | undefined>>) {
    const encoded = environment["GITALY_SERVERS"] ?? "";
    this.#servers = encoded === "" ? undefined : parseGitalyServers(encoded);
  }

  /** All of them by the names of their storages. */
  all(): ReadonlyMap<string, GitalyServer> {
    if (this.#servers === undefined) throw new Error("empty metadata");
    return this.#servers;
  }

  /** The server that has a storage. */
  of(storageName: string): GitalyServer {
    const server = this.all().get(storageName);
    if (server === undefined) throw new Error("storage name not found");
    return server;
  }

  /** A way to `server`, or to the one that is known for the storage when that is blank. */
  channel(server: GitalyServer, storageName: string): Channel {
    if (server.address !== "" || server.token !== "") return this.#channels.channel(server);
    let known: GitalyServer;
    try {
      known = this.of(storageName);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`set context server info: ${reason}`, { cause: error });
    }
    return this.#channels.channel(known);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channels[Symbol.asyncDispose]();
  }
}
