import { Channel, type DialOptions } from "../client/channel.ts";
import type { Connection } from "../listener/connection.ts";
import { SidechannelError } from "./sidechannel-error.ts";

/**
 * Makes a channel back to the client of a connection, which serves calls there.
 *
 * Throws a SidechannelError when the connection isn't multiplexed. The caller closes the channel.
 */
export function dialBackchannel(connection: Connection, options: DialOptions = {}): Channel {
  const { mux } = connection;
  if (mux === undefined) throw new SidechannelError("non-multiplexed connection");
  return new Channel(
    { authority: "http://multiplexed", open: (signal) => mux.open(signal) },
    options,
  );
}
