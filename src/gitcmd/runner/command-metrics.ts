import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { GitSubcommand } from "../command/subcommand.ts";
import type { ProcessUsage, RpcName } from "../command-usage.ts";

/** What is summed up for the commands of one kind. */
interface Totals extends Record<keyof ProcessUsage, number> {
  running: number;
}

/** Which commands are summed up together. */
interface Kind {
  readonly rpc: RpcName | undefined;
  readonly subcommand: GitSubcommand;
  readonly gitVersion: string;
}

type Labels = Record<string, string>;

const COMMAND = ["grpc_service", "grpc_method", "cmd", "subcmd"];
const SPENT = [...COMMAND, "git_version", "reference_backend"];

/** Seconds; doubled from one millisecond. */
const FORKING_BUCKETS = Array.from({ length: 10 }, (_, index) => 0.001 * 2 ** index);

/**
 * What all git processes of a server have cost, under the names of the reference server.
 *
 * Sums are kept here and copied when somebody asks for the metrics: a command has eight labels in
 * ten series, and their bookkeeping would cost more than the rest of a start.
 */
export class CommandMetrics {
  readonly #totals = new Map<string, { readonly kind: Kind; readonly totals: Totals }>();
  readonly #forking: Histogram;
  readonly #invalid: Counter;

  constructor(registry: Registry) {
    this.#defineSpent(registry);
    this.#defineRunning(registry);
    this.#forking = new Histogram({
      name: "gitaly_spawn_forking_time_seconds",
      help: "Histogram of actual forking time after spawn tokens are acquired",
      buckets: FORKING_BUCKETS,
      registers: [registry],
    });
    this.#invalid = new Counter({
      name: "gitaly_invalid_commands_total",
      help: "Total number of invalid arguments tried to execute",
      labelNames: ["command"],
      registers: [registry],
    });
  }

  /** A command broke the rules, so it was not started. */
  recordInvalid(subcommand: string): void {
    this.#invalid.inc({ command: subcommand });
  }

  /** A process runs. The result takes what it cost when it has ended. */
  recordStart(kind: Kind, startMicroseconds: number): (usage: ProcessUsage) => void {
    this.#forking.observe(startMicroseconds / 1e6);
    const totals = this.#totalsOf(kind);
    totals.running += 1;
    return (usage) => {
      totals.running -= 1;
      for (const name of USAGE_NAMES) totals[name] += usage[name];
    };
  }

  #totalsOf(kind: Kind): Totals {
    const { rpc, subcommand, gitVersion } = kind;
    const key = `${rpc?.service}/${rpc?.method}/${subcommand}/${gitVersion}`;
    const known = this.#totals.get(key);
    if (known !== undefined) return known.totals;
    const totals: Totals = { ...NOTHING };
    this.#totals.set(key, { kind, totals });
    return totals;
  }

  #defineSpent(registry: Registry): void {
    this.#define(registry, "cpu_seconds", "CPU time spent by shelling out", "mode", {
      system: (totals) => totals.systemMicroseconds / 1e6,
      user: (totals) => totals.userMicroseconds / 1e6,
    });
    this.#define(registry, "real_seconds", "real time spent by shelling out", undefined, {
      "": (totals) => totals.realMicroseconds / 1e6,
    });
    const faults = "page faults performed while shelling out";
    this.#define(registry, "minor_page_faults", `minor ${faults}`, undefined, {
      "": (totals) => totals.minorPageFaults,
    });
    this.#define(registry, "major_page_faults", `major ${faults}`, undefined, {
      "": (totals) => totals.majorPageFaults,
    });
    // The kernel has the field but does not count.
    this.#define(registry, "signals_received", "signals received while shelling out", undefined, {
      "": () => 0,
    });
    const switches = "context switches performed while shelling out";
    this.#define(registry, "context_switches", switches, "ctxswitchtype", {
      voluntary: (totals) => totals.voluntarySwitches,
      nonvoluntary: (totals) => totals.involuntarySwitches,
    });
  }

  /** A counter whose value is computed from the totals, once for each value of `label`. */
  #define(
    registry: Registry,
    name: string,
    what: string,
    label: string | undefined,
    values: Readonly<Record<string, (totals: Totals) => number>>,
  ): void {
    const all = this.#totals;
    new Counter({
      name: `gitaly_command_${name}_total`,
      help: `Sum of ${what}`,
      labelNames: label === undefined ? SPENT : [...SPENT, label],
      registers: [registry],
      collect(): void {
        this.reset();
        for (const { kind, totals } of all.values()) {
          for (const [value, compute] of Object.entries(values)) {
            const extra: Labels = label === undefined ? {} : { [label]: value };
            this.inc({ ...spentLabels(kind), ...extra }, compute(totals));
          }
        }
      },
    });
  }

  #defineRunning(registry: Registry): void {
    const all = this.#totals;
    new Gauge({
      name: "gitaly_commands_running",
      help: "Total number of processes currently being executed",
      labelNames: COMMAND,
      registers: [registry],
      collect(): void {
        this.reset();
        for (const { kind, totals } of all.values()) this.inc(commandLabels(kind), totals.running);
      },
    });
  }
}

const NOTHING: Totals = {
  running: 0,
  userMicroseconds: 0,
  systemMicroseconds: 0,
  realMicroseconds: 0,
  maxRssKilobytes: 0,
  minorPageFaults: 0,
  majorPageFaults: 0,
  blocksRead: 0,
  blocksWritten: 0,
  voluntarySwitches: 0,
  involuntarySwitches: 0,
};

const USAGE_NAMES: readonly (keyof ProcessUsage)[] = [
  "userMicroseconds",
  "systemMicroseconds",
  "realMicroseconds",
  "minorPageFaults",
  "majorPageFaults",
  "voluntarySwitches",
  "involuntarySwitches",
];

function commandLabels({ rpc, subcommand }: Kind): Labels {
  const { service = "", method = "" } = rpc ?? {};
  return { grpc_service: service, grpc_method: method, cmd: "git", subcmd: subcommand };
}

function spentLabels(kind: Kind): Labels {
  return { ...commandLabels(kind), git_version: kind.gitVersion, reference_backend: "" };
}
