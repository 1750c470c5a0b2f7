import type { DescMethod } from "@bufbuild/protobuf";
import type { CounterSeries } from "../../../base/metric/counter.ts";
import type { HistogramSeries } from "../../../base/metric/histogram.ts";
import type { MetricRegistry } from "../../../base/metric/metric-registry.ts";
import { codeName } from "../../status/status.ts";
import { endCode } from "../call-end.ts";
import type { Interceptor } from "../interceptor.ts";
import type { MethodCatalog } from "../request-info/method-catalog.ts";

/** The highest code that gRPC defines. */
const CODE_MAX = 16;

export interface RpcMetricsOptions {
  readonly catalog: MethodCatalog;
  readonly metrics: MetricRegistry;
  /** Upper bounds in seconds of the latency histogram; empty to keep none. */
  readonly latencyBuckets: readonly number[];
  /** Methods whose series are there from the start, with 0. */
  readonly methods: readonly DescMethod[];
}

/** The series of one method, so that a call finds them all with one look. */
interface MethodSeries {
  readonly started: CounterSeries;
  readonly received: CounterSeries;
  readonly sent: CounterSeries;
  /** By the number of the code. */
  readonly handled: readonly CounterSeries[];
  readonly seconds: HistogramSeries | undefined;
}

/** Counts calls and messages and measures latencies under the usual names of gRPC servers. */
export function rpcMetrics(options: RpcMetricsOptions): Interceptor {
  const makeSeries = seriesMaker(options);
  const byMethod = new Map<DescMethod, MethodSeries>();
  const seriesOf = (method: DescMethod): MethodSeries => {
    const known = byMethod.get(method);
    if (known !== undefined) return known;
    const series = makeSeries(method);
    byMethod.set(method, series);
    return series;
  };
  for (const method of options.methods) seriesOf(method);
  return async (call, next) => {
    const series = seriesOf(call.method);
    series.started.inc();
    const startMs = performance.now();
    let code = 0;
    try {
      await next();
    } catch (error) {
      code = endCode(call, error);
      throw error;
    } finally {
      const { receivedCount, sentCount } = call.statistics;
      series.received.inc(receivedCount);
      series.sent.inc(sentCount);
      series.handled[code]?.inc();
      series.seconds?.observe((performance.now() - startMs) / 1000);
    }
  };
}

function seriesMaker(options: RpcMetricsOptions): (method: DescMethod) => MethodSeries {
  const { catalog, metrics, latencyBuckets } = options;
  const labels = ["grpc_type", "grpc_service", "grpc_method"] as const;
  const started = metrics.counter({
    name: "grpc_server_started_total",
    help: "Total number of RPCs started on the server.",
    labels,
  });
  const handled = metrics.counter({
    name: "grpc_server_handled_total",
    help: "Total number of RPCs completed on the server, regardless of success or failure.",
    labels: [...labels, "grpc_code"],
  });
  const received = metrics.counter({
    name: "grpc_server_msg_received_total",
    help: "Total number of RPC stream messages received on the server.",
    labels,
  });
  const sent = metrics.counter({
    name: "grpc_server_msg_sent_total",
    help: "Total number of gRPC stream messages sent by the server.",
    labels,
  });
  const seconds = latencyHistogram(metrics, latencyBuckets, labels);
  return (method) => {
    const { type, service, name } = catalog.get(method);
    const values = { grpc_type: type, grpc_service: service, grpc_method: name };
    return {
      started: started.series(values),
      received: received.series(values),
      sent: sent.series(values),
      handled: Array.from({ length: CODE_MAX + 1 }, (_, code) =>
        handled.series({ ...values, grpc_code: codeName(code) }),
      ),
      seconds: seconds?.series(values),
    };
  };
}

function latencyHistogram<L extends string>(
  metrics: MetricRegistry,
  buckets: readonly number[],
  labels: readonly L[],
): ReturnType<typeof metrics.histogram<L>> | undefined {
  if (buckets.length === 0) return undefined;
  return metrics.histogram({
    name: "grpc_server_handling_seconds",
    help: "Histogram of response latency (seconds) of gRPC that had been application-level handled by the server.",
    labels,
    buckets,
  });
}
