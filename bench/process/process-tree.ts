import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** What a process and all processes below it have used and hold. */
export interface TreeUsage {
  /** User and system time of all of them, children that have ended and been waited for included. */
  readonly cpuMicroseconds: number;
  /** Memory in RAM, summed; pages that several share count for each. */
  readonly residentBytes: number;
  /** The first process alone. */
  readonly rootResidentBytes: number;
  readonly processCount: number;
}

interface ProcessStatus {
  readonly parent: number;
  readonly ticks: number;
  readonly residentPages: number;
}

/** Linux counts in hundredths of a second towards programs, whatever it does inside. */
const TICK_MICROSECONDS = 10_000;
const PAGE_BYTES = 4096;

/**
 * Reads what the process tree below `rootPid` has used so far.
 *
 * Times of a process move to its parent when that learns of the end, so the sum never falls while
 * the tree holds together. Each figure of each process is cut to 10 ms.
 */
export function readTreeUsage(rootPid: number): TreeUsage {
  const processes = readProcesses();
  const root = processes.get(rootPid);
  if (root === undefined) throw new Error(`process ${rootPid} has ended`);
  const members = membersOf(rootPid, processes);
  let ticks = 0;
  let pages = 0;
  for (const { ticks: own, residentPages } of members) {
    ticks += own;
    pages += residentPages;
  }
  return {
    cpuMicroseconds: ticks * TICK_MICROSECONDS,
    residentBytes: pages * PAGE_BYTES,
    rootResidentBytes: root.residentPages * PAGE_BYTES,
    processCount: members.length,
  };
}

/** The most memory that the process has held in RAM since `resetPeak`, in bytes. */
export function readPeakBytes(pid: number): number {
  const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
  return Number(line?.[1] ?? 0) * 1024;
}

/** Lets the peak begin anew at what the process holds now. */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** The processes that began `pid`, the nearest first. */
export function ancestorsOf(pid: number): number[] {
  const processes = readProcesses();
  const found: number[] = [];
  for (let at = processes.get(pid)?.parent; at !== undefined && at > 0; ) {
    found.push(at);
    at = processes.get(at)?.parent;
  }
  return found;
}

function membersOf(
  rootPid: number,
  processes: ReadonlyMap<number, ProcessStatus>,
): ProcessStatus[] {
  const children = new Map<number, number[]>();
  for (const [pid, { parent }] of processes) {
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [pid]);
    else siblings.push(pid);
  }
  const members: ProcessStatus[] = [];
  const pending = [rootPid];
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    const status = processes.get(pid);
    if (status !== undefined) members.push(status);
    pending.push(...(children.get(pid) ?? []));
  }
  return members;
}

function readProcesses(): Map<number, ProcessStatus> {
  const processes = new Map<number, ProcessStatus>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const status = readStatus(entry);
    if (status !== undefined) processes.set(Number(entry), status);
  }
  return processes;
}

function readStatus(entry: string): ProcessStatus | undefined {
  try {
    return parseStat(readFileSync(`/proc/${entry}/stat`, "latin1"));
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

/** proc(5): the name stands in parentheses and may hold any others. */
export function parseStat(stat: string): ProcessStatus {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const number = (index: number): number => Number(fields[index]);
  return {
    parent: number(1),
    ticks: number(11) + number(12) + number(13) + number(14),
    residentPages: number(21),
  };
}
