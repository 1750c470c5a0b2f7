import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { CounterSeries } from "../base/metric/counter.ts";
import type { GaugeSeries } from "../base/metric/gauge.ts";
import { METRICS_CONTENT_TYPE, type MetricRegistry } from "../base/metric/metric-registry.ts";
import { listen } from "./listen.ts";

/** Connections of monitoring systems at once; more are refused. */
const CONNECTIONS_MAX = 64;

/** A listener that answers `/metrics`. Closing it ends its connections. */
export interface MonitoringServer extends AsyncDisposable {
  /** `127.0.0.1:9236`, with the port that was really taken. */
  readonly address: string;
}

/** Labels of the gauge that tells which program this is. */
export interface BuildInfo {
  readonly version: string;
  readonly gitVersion: string;
}

/** Defines `gitlab_build_info`, by which dashboards find the servers and their versions. */
export function defineBuildInfo(registry: MetricRegistry, build: BuildInfo): void {
  registry
    .gauge({
      name: "gitlab_build_info",
      help: "Current build info for this GitLab Service",
      labels: ["git_version", "module_path", "module_version", "version"],
    })
    .series({
      git_version: build.gitVersion,
      module_path: "gitaly-ts",
      module_version: `v${build.version}`,
      version: build.version,
    })
    .set(1);
}

/**
 * Serves the metrics over HTTP at `listenAddress`, the configuration's `prometheus_listen_addr`
 * (`host:port`, or `:port` for all addresses).
 *
 * Throws an error that names the address when it can't be taken.
 */
export async function startMonitoring(
  listenAddress: string,
  registry: MetricRegistry,
): Promise<MonitoringServer> {
  const scrapes = new ScrapeMetrics(registry);
  const server = createServer((request, response) => answer(request, response, registry, scrapes));
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, listenAddress);
  return {
    address: addressOf(server),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Prometheus' own handlers take any method, and so do their users. */
function answer(
  request: IncomingMessage,
  response: ServerResponse,
  registry: MetricRegistry,
  scrapes: ScrapeMetrics,
): void {
  const [path] = (request.url ?? "").split("?", 1);
  if (path !== "/metrics") {
    respond(response, 404, "404 page not found\n");
  } else {
    response.setHeader("content-type", METRICS_CONTENT_TYPE);
    respond(
      response,
      200,
      scrapes.count(() => registry.render()),
    );
  }
}

/** Counts how often the metrics themselves are read. */
class ScrapeMetrics {
  readonly #running: GaugeSeries;
  readonly #done: CounterSeries;

  constructor(registry: MetricRegistry) {
    this.#running = registry
      .gauge({
        name: "promhttp_metric_handler_requests_in_flight",
        help: "Current number of scrapes being served.",
      })
      .series({});
    const done = registry.counter({
      name: "promhttp_metric_handler_requests_total",
      help: "Total number of scrapes by HTTP status code.",
      labels: ["code"],
    });
    this.#done = done.series({ code: "200" });
    for (const code of ["500", "503"]) done.series({ code });
  }

  count(render: () => string): string {
    this.#running.inc();
    try {
      return render();
    } finally {
      this.#running.dec();
      this.#done.inc();
    }
  }
}

function respond(response: ServerResponse, status: number, body: string): void {
  response.statusCode = status;
  if (!response.hasHeader("content-type")) {
    response.setHeader("content-type", "text/plain; charset=utf-8");
  }
  response.end(body);
}

function addressOf(server: Server): string {
  const bound: AddressInfo | string | null = server.address();
  if (bound === null || typeof bound === "string") return "";
  return bound.family === "IPv6"
    ? `[${bound.address}]:${bound.port}`
    : `${bound.address}:${bound.port}`;
}
