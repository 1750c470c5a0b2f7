import { DomainError } from "../../base/error/domain-error.ts";
import type { Channel } from "../client/channel.ts";
import type { Connection } from "../listener/connection.ts";
import { dialBackchannel } from "./backchannel.ts";

/** The connection that a backchannel belongs to has gone, or has never been there. */
export class NoBackchannelError extends DomainError {
  constructor(id: bigint) {
    super("unknown", `no backchannel for peer ${id}`);
  }
}

/**
 * Knows the clients that can be called back, by a number that others may be given: hooks in
 * processes of their own tell it when they come back to the server.
 */
export class Backchannels {
  readonly #ids = new WeakMap<Connection, bigint>();
  readonly #channels = new Map<bigint, Channel>();
  #nextId = 1n;

  /** The number of a connection; undefined when its client can't be called back. */
  idOf(connection: Connection): bigint | undefined {
    const { mux } = connection;
    if (mux === undefined) return undefined;
    const known = this.#ids.get(connection);
    if (known !== undefined) return known;
    const id = this.#nextId;
    this.#nextId += 1n;
    const channel = dialBackchannel(connection);
    this.#ids.set(connection, id);
    this.#channels.set(id, channel);
    void mux.closed.then(() => {
      this.#channels.delete(id);
      return channel.close();
    });
    return id;
  }

  /** The way back to a client. Throws a NoBackchannelError. */
  channel(id: bigint): Channel {
    const channel = this.#channels.get(id);
    if (channel === undefined) throw new NoBackchannelError(id);
    return channel;
  }
}
