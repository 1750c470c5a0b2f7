import { readdirSync, readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import type { MetricRegistry } from "./metric-registry.ts";

const LIMITS = "/proc/self/limits";
/** How the system's own number for no limit reads. */
const UNLIMITED = 2 ** 64;

/**
 * Defines what is known of the process itself, under the names that dashboards expect.
 *
 * Everything is read when the metrics are; nothing runs in between. What the system doesn't tell
 * (there is no /proc everywhere) is left out.
 */
export function defineProcessMetrics(registry: MetricRegistry): void {
  defineCpu(registry);
  defineMemory(registry);
  defineDescriptors(registry);
  defineNetwork(registry);
  defineRuntime(registry);
}

function defineCpu(registry: MetricRegistry): void {
  registry.computedCounter(
    {
      name: "process_cpu_seconds_total",
      help: "Total user and system CPU time spent in seconds.",
    },
    (emit) => {
      const { user, system } = process.cpuUsage();
      emit({}, (user + system) / 1e6);
    },
  );
  const startSeconds = performance.timeOrigin / 1000;
  registry.computedGauge(
    {
      name: "process_start_time_seconds",
      help: "Start time of the process since unix epoch in seconds.",
    },
    (emit) => emit({}, startSeconds),
  );
}

function defineMemory(registry: MetricRegistry): void {
  registry.computedGauge(
    { name: "process_resident_memory_bytes", help: "Resident memory size in bytes." },
    (emit) => emit({}, process.memoryUsage.rss()),
  );
  registry.computedGauge(
    { name: "process_virtual_memory_bytes", help: "Virtual memory size in bytes." },
    (emit) => {
      const kilobytes = fieldOf("/proc/self/status", /^VmSize:\s+(\d+) kB$/m);
      if (kilobytes !== undefined) emit({}, kilobytes * 1024);
    },
  );
  registry.computedGauge(
    {
      name: "process_virtual_memory_max_bytes",
      help: "Maximum amount of virtual memory available in bytes.",
    },
    (emit) => {
      const [, limit] = /^Max address space\s+(\d+|unlimited)/m.exec(readText(LIMITS)) ?? [];
      if (limit !== undefined) emit({}, limit === "unlimited" ? UNLIMITED : Number(limit));
    },
  );
}

/** As Prometheus' clients count: everything that its network sends and receives. */
function defineNetwork(registry: MetricRegistry): void {
  const define = (name: string, help: string, field: string): void => {
    registry.computedCounter({ name, help }, (emit) => {
      const octets = networkField(field);
      if (octets !== undefined) emit({}, octets);
    });
  };
  const of = "by the process over the network.";
  define("process_network_receive_bytes_total", `Number of bytes received ${of}`, "InOctets");
  define("process_network_transmit_bytes_total", `Number of bytes sent ${of}`, "OutOctets");
}

/** From two lines, names and values: `IpExt: InNoRoutes … InOctets …`, `IpExt: 0 … 4711 …`. */
function networkField(field: string): number | undefined {
  const [names, values] = readText("/proc/self/net/netstat").match(/^IpExt: .*$/gm) ?? [];
  const index = names?.split(" ").indexOf(field) ?? -1;
  const value = index < 0 ? undefined : values?.split(" ")[index];
  return value === undefined ? undefined : Number(value);
}

function defineDescriptors(registry: MetricRegistry): void {
  registry.computedGauge(
    { name: "process_open_fds", help: "Number of open file descriptors." },
    (emit) => {
      const count = countDescriptors();
      if (count !== undefined) emit({}, count);
    },
  );
  registry.computedGauge(
    { name: "process_max_fds", help: "Maximum number of open file descriptors." },
    (emit) => {
      const limit = fieldOf(LIMITS, /^Max open files\s+(\d+)/m);
      if (limit !== undefined) emit({}, limit);
    },
  );
}

function defineRuntime(registry: MetricRegistry): void {
  registry.computedGauge(
    { name: "nodejs_version_info", help: "Version of Node.", labels: ["version"] },
    (emit) => emit({ version: process.version }, 1),
  );
  registry.computedGauge(
    { name: "nodejs_heap_size_bytes", help: "Size of the JavaScript heap.", labels: ["state"] },
    (emit) => {
      const heap = getHeapStatistics();
      emit({ state: "used" }, heap.used_heap_size);
      emit({ state: "total" }, heap.total_heap_size);
      emit({ state: "limit" }, heap.heap_size_limit);
      emit({ state: "external" }, heap.external_memory);
    },
  );
  registry.computedCounter(
    {
      name: "nodejs_eventloop_seconds_total",
      help: "Time that the event loop has spent working and waiting.",
      labels: ["state"],
    },
    (emit) => {
      const { active, idle } = performance.eventLoopUtilization();
      emit({ state: "active" }, active / 1000);
      emit({ state: "idle" }, idle / 1000);
    },
  );
}

function countDescriptors(): number | undefined {
  try {
    // One of them is the directory itself, open while it is read.
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return undefined;
  }
}

function fieldOf(path: string, pattern: RegExp): number | undefined {
  const value = pattern.exec(readText(path))?.[1];
  return value === undefined ? undefined : Number(value);
}

/** Empty where the system doesn't have it. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
