import type { Counter } from "../../base/metric/counter.ts";
import type { Histogram } from "../../base/metric/histogram.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import type { SocketKind } from "./connection.ts";

/** From a byte to a mebibyte, each four times the one before. */
const SIZE_BOUNDS = Array.from({ length: 11 }, (_, index) => 4 ** index);

/** Counts connections, and the reads and writes of those that carry several streams. */
export class ConnectionMetrics {
  readonly #connections: Counter<"type">;
  readonly #reads: Histogram<never>;
  readonly #writes: Histogram<never>;

  constructor(registry: MetricRegistry) {
    this.#connections = registry.counter({
      name: "gitaly_connections_total",
      help: "Connections that were accepted, by the kind of their sockets.",
      labels: ["type"],
    });
    this.#reads = registry.histogram({
      name: "gitaly_backchannel_yamux_read_size_bytes",
      help: "What was read at a time from connections that carry several streams.",
      buckets: SIZE_BOUNDS,
    });
    this.#writes = registry.histogram({
      name: "gitaly_backchannel_yamux_write_size_bytes",
      help: "What was written at a time to connections that carry several streams.",
      buckets: SIZE_BOUNDS,
    });
  }

  countConnection(kind: SocketKind): void {
    this.#connections.inc({ type: kind });
  }

  /** For `YamuxOptions`. */
  observer(): { onRead: (bytes: number) => void; onWrite: (bytes: number) => void } {
    const reads = this.#reads.series({});
    const writes = this.#writes.series({});
    return {
      onRead: (bytes) => reads.observe(bytes),
      onWrite: (bytes) => writes.observe(bytes),
    };
  }
}
