import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Address } from "../../src/rpc/client/address.ts";
import { ancestorsOf } from "./process-tree.ts";

/** The state of a socket that listens, in /proc/net/tcp. */
const LISTENING = "0A";

/**
 * Finds the process on this machine that listens at an address: the first one when children have
 * inherited the socket. Undefined when there is none, or none that this user may look at.
 */
export function findListeningProcess(address: Address): number | undefined {
  const sockets = new Set(
    address.kind === "unix" ? unixSockets(address.path) : tcpSockets(address.port),
  );
  if (sockets.size === 0) return undefined;
  const holders = holdersOf(sockets);
  return [...holders].find((pid) => !ancestorsOf(pid).some((ancestor) => holders.has(ancestor)));
}

/** Inodes of the sockets that listen on a port, as /proc/net/tcp and tcp6 tell them. */
export function parseTcpSockets(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  const rows = table.split("\n").map((line) => line.trim().split(/\s+/));
  const matching = rows.filter(
    ([, local = "", , state]) => state === LISTENING && local.endsWith(`:${wanted}`),
  );
  return matching.map((fields) => fields[9] ?? "");
}

function tcpSockets(port: number): string[] {
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) =>
    parseTcpSockets(readFileSync(path, "latin1"), port),
  );
}

function unixSockets(path: string): string[] {
  const rows = readFileSync("/proc/net/unix", "utf8").split("\n");
  return rows.filter((row) => row.endsWith(` ${path}`)).map((row) => row.split(/\s+/)[6] ?? "");
}

function holdersOf(sockets: ReadonlySet<string>): Set<number> {
  const holders = new Set<number>();
  for (const entry of readdirSync("/proc")) {
    if (/^\d+$/.test(entry) && holdsAny(entry, sockets)) holders.add(Number(entry));
  }
  return holders;
}

function holdsAny(pid: string, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) =>
      sockets.has(/^socket:\[(\d+)\]$/.exec(linkOf(pid, descriptor))?.[1] ?? ""),
    );
  } catch {
    // It has ended, or belongs to somebody else.
    return false;
  }
}

function linkOf(pid: string, descriptor: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch {
    return "";
  }
}
