import type { Counter, CounterSeries } from "../../base/metric/counter.ts";
import type { Gauge, GaugeSeries } from "../../base/metric/gauge.ts";
import type { HistogramSeries } from "../../base/metric/histogram.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import type { ProcessUsage, RpcName } from "../command-usage.ts";
import type { FallbackReason } from "../fallback-reason.ts";

/** Which commands are summed up together. */
export interface CommandKind {
  readonly rpc: RpcName | undefined;
  readonly subcommand: string;
  readonly gitVersion: string;
}

const COMMAND = ["grpc_service", "grpc_method", "cmd", "subcmd"] as const;
const SPENT = [...COMMAND, "git_version", "reference_backend"] as const;

type CommandLabel = (typeof COMMAND)[number];
type SpentLabel = (typeof SPENT)[number];

/** The series of one kind, found once. */
interface KindSeries {
  readonly running: GaugeSeries;
  readonly spent: readonly (readonly [CounterSeries, (usage: ProcessUsage) => number])[];
}

/** Seconds; doubled from one millisecond. */
const FORKING_BUCKETS: readonly number[] = Array.from(
  { length: 10 },
  (_, index) => 2 ** index / 1000,
);

/** What all git processes of a server have cost, under the names of the reference server. */
export class CommandMetrics {
  readonly #kinds = new Map<string, KindSeries>();
  readonly #forking: HistogramSeries;
  readonly #invalid: Counter<"command">;
  readonly #fallbacks: Counter<"reason">;
  readonly #running: Gauge<CommandLabel>;
  readonly #cpu: Counter<SpentLabel | "mode">;
  readonly #real: Counter<SpentLabel>;
  readonly #minorFaults: Counter<SpentLabel>;
  readonly #majorFaults: Counter<SpentLabel>;
  readonly #signals: Counter<SpentLabel>;
  readonly #switches: Counter<SpentLabel | "ctxswitchtype">;

  constructor(registry: MetricRegistry) {
    const forking = registry.histogram({
      name: "gitaly_spawn_forking_time_seconds",
      help: "How long processes took to start, in seconds.",
      buckets: FORKING_BUCKETS,
    });
    this.#forking = forking.series({});
    this.#invalid = registry.counter({
      name: "gitaly_invalid_commands_total",
      help: "Git commands that broke the rules and were not started.",
      labels: ["command"],
    });
    this.#fallbacks = registry.counter({
      name: "gitaly_ts_reader_fallback_total",
      help: "Git processes that were started for what is usually read in the server's process.",
      labels: ["reason"],
    });
    this.#running = registry.gauge({
      name: "gitaly_commands_running",
      help: "Processes that run now.",
      labels: COMMAND,
    });
    const spent = <L extends string>(name: string, help: string, labels: readonly L[]) =>
      registry.counter({ name: `gitaly_command_${name}_total`, help, labels });
    this.#cpu = spent("cpu_seconds", "CPU time of processes.", [...SPENT, "mode"]);
    this.#real = spent("real_seconds", "Time for which processes ran.", SPENT);
    this.#minorFaults = spent("minor_page_faults", "Page faults without I/O.", SPENT);
    this.#majorFaults = spent("major_page_faults", "Page faults with I/O.", SPENT);
    this.#signals = spent("signals_received", "Signals that processes got.", SPENT);
    const switchLabels = [...SPENT, "ctxswitchtype"] as const;
    this.#switches = spent("context_switches", "Context switches of processes.", switchLabels);
  }

  /** A command broke the rules, so it was not started. */
  recordInvalid(subcommand: string): void {
    this.#invalid.inc({ command: subcommand });
  }

  /** Git is asked for what is usually read in-process. */
  recordFallback(reason: FallbackReason): void {
    this.#fallbacks.inc({ reason });
  }

  /** A process runs. The result takes what it cost when it has ended. */
  recordStart(kind: CommandKind, startMicroseconds: number): (usage: ProcessUsage) => void {
    this.#forking.observe(startMicroseconds / 1e6);
    const { running, spent } = this.#seriesOf(kind);
    running.inc();
    return (usage) => {
      running.dec();
      for (const [series, amount] of spent) series.inc(amount(usage));
    };
  }

  #seriesOf(kind: CommandKind): KindSeries {
    const key = `${kind.rpc?.service}/${kind.rpc?.method}/${kind.subcommand}/${kind.gitVersion}`;
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const command = {
      grpc_service: kind.rpc?.service ?? "",
      grpc_method: kind.rpc?.method ?? "",
      cmd: "git",
      subcmd: kind.subcommand,
    };
    const labels = { ...command, git_version: kind.gitVersion, reference_backend: "" };
    const cpu = (mode: string) => this.#cpu.series({ ...labels, mode });
    const switches = (type: string) => this.#switches.series({ ...labels, ctxswitchtype: type });
    const made: KindSeries = {
      running: this.#running.series(command),
      spent: [
        [cpu("system"), (usage) => usage.systemMicroseconds / 1e6],
        [cpu("user"), (usage) => usage.userMicroseconds / 1e6],
        [this.#real.series(labels), (usage) => usage.realMicroseconds / 1e6],
        [this.#minorFaults.series(labels), (usage) => usage.minorPageFaults],
        [this.#majorFaults.series(labels), (usage) => usage.majorPageFaults],
        // The kernel has the field but does not count.
        [this.#signals.series(labels), () => 0],
        [switches("voluntary"), (usage) => usage.voluntarySwitches],
        [switches("nonvoluntary"), (usage) => usage.involuntarySwitches],
      ],
    };
    this.#kinds.set(key, made);
    return made;
  }
}
