import type { LogFields } from "../base/log/logger.ts";

/** What one process cost, as the kernel counted it. Includes children that it waited for. */
export interface ProcessUsage {
  readonly userMicroseconds: number;
  readonly systemMicroseconds: number;
  /** From the request to start until the end. */
  readonly realMicroseconds: number;
  readonly maxRssKilobytes: number;
  readonly minorPageFaults: number;
  readonly majorPageFaults: number;
  readonly blocksRead: number;
  readonly blocksWritten: number;
  readonly voluntarySwitches: number;
  readonly involuntarySwitches: number;
}

/** The RPC on whose behalf processes run; a label of the metrics. */
export interface RpcName {
  /** Fully qualified, such as `gitaly.CommitService`. */
  readonly service: string;
  readonly method: string;
}

/**
 * Sums up what the processes of one call cost.
 *
 * The caller makes one for each RPC, passes it with every command, and puts `fields()` into the
 * RPC's log line. Names and units are those of the reference server.
 */
export class CommandUsage {
  readonly rpc: RpcName | undefined;
  readonly #sums = new Map<string, number>();

  constructor(rpc?: RpcName) {
    this.rpc = rpc;
  }

  /** Counts one process that has ended. */
  recordProcess(usage: ProcessUsage): void {
    const user = milliseconds(usage.userMicroseconds);
    const system = milliseconds(usage.systemMicroseconds);
    this.add("command.count", 1);
    this.add("command.user_time_ms", user);
    this.add("command.system_time_ms", system);
    this.add("command.cpu_time_ms", user + system);
    this.add("command.real_time_ms", milliseconds(usage.realMicroseconds));
    this.add("command.inblock", usage.blocksRead);
    this.add("command.oublock", usage.blocksWritten);
    this.add("command.minflt", usage.minorPageFaults);
    this.add("command.majflt", usage.majorPageFaults);
    this.max("command.maxrss", usage.maxRssKilobytes);
  }

  /** Counts the time that starting a process took. */
  recordStart(startMicroseconds: number): void {
    this.add("command.spawn_token_fork_ms", milliseconds(startMicroseconds));
  }

  /** Adds to the sum called `name`. */
  add(name: string, value: number): void {
    this.#sums.set(name, (this.#sums.get(name) ?? 0) + value);
  }

  /** Raises the maximum called `name`. */
  max(name: string, value: number): void {
    this.#sums.set(name, Math.max(this.#sums.get(name) ?? 0, value));
  }

  /** Everything recorded so far, for the log line; empty when no process ran. */
  fields(): LogFields {
    return Object.fromEntries(this.#sums);
  }
}

function milliseconds(microseconds: number): number {
  return Math.trunc(microseconds / 1000);
}
