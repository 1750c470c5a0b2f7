import type { Duplex } from "node:stream";
import type { Transport } from "../client/transport.ts";
import { BACKCHANNEL_MAGIC } from "../listener/handshake.ts";
import { YamuxSession } from "../yamux/yamux-session.ts";
import type { SidechannelRegistry } from "./sidechannel-registry.ts";

/** What the server may send ahead of the reader of each sidechannel. */
const WINDOW_BYTES = 1024 * 1024;
/** Sidechannels that live on one connection at one time. */
const SIDECHANNELS_MAX = 1024;

/** Multiplexes the connections of another transport, so that the server can open sidechannels. */
export function multiplexed(below: Transport, registry: SidechannelRegistry): Transport {
  return {
    authority: below.authority,
    open: async (signal) => {
      const connection = await below.open(signal);
      connection.write(BACKCHANNEL_MAGIC);
      const session = new YamuxSession(connection, {
        side: "client",
        onStream: (stream: Duplex) => void registry.accept(stream),
        acceptedStreamsMax: SIDECHANNELS_MAX,
        windowBytes: WINDOW_BYTES,
      });
      const calls = await session.open(signal);
      calls.once("close", () => session.close());
      return calls;
    },
  };
}
