import * as fs from "node:fs";
import { hostname } from "node:os";

/**
 * Seconds of a stamp: the process id in the low bits, when it has started above them. All of them
 * are before 1988, so that no usual file looks like a lock of ours.
 */
const PROCESS_ID_BITS = 22;
const START_BITS = 7;
/** The fraction tells the machine; file times are set to the microsecond. */
const MICROSECONDS = 1_000_000;

/** The access time in seconds of every lock file of this process. */
const OWN_STAMP: number = stamp();

/**
 * Notes in an open lock file that it is this process's.
 *
 * It is told by the access time, which nobody needs in a file that nobody reads: the file may take
 * the place of a reference, so that neither its content nor its mode may tell.
 *
 * A mount with `noatime` keeps a time that is set. Under `relatime` a backup that reads the file
 * sets another one: then it looks like anybody's and stays for housekeeping, and is never taken
 * from a process that lives. A shared storage needs servers with different host names.
 */
export function stampLock(file: number): void {
  if (OWN_STAMP === 0) return;
  try {
    fs.futimesSync(file, OWN_STAMP, new Date());
  } catch {
    // It locks all the same; if we are killed it stays for housekeeping.
  }
}

/**
 * Removes a lock file that was made by a process of ours that was killed; false if it is another.
 *
 * What git leaves when it is killed, and what other machines hold, stays for housekeeping. There is
 * no wait from the look to the removal: nobody else in this process can take the lock between them.
 */
export function removeAbandonedLock(path: string | Buffer): boolean {
  try {
    if (!isAbandoned(fs.lstatSync(path, { bigint: true }).atimeNs)) return false;
    fs.unlinkSync(path);
    return true;
  } catch {
    // It is gone, or it can't be told whose it is.
    return false;
  }
}

function isAbandoned(atimeNs: bigint): boolean {
  const seconds = Number(atimeNs / 1_000_000_000n);
  if (OWN_STAMP === 0 || seconds >= 2 ** (PROCESS_ID_BITS + START_BITS)) return false;
  const machine = Number((atimeNs / 1000n) % BigInt(MICROSECONDS));
  // Setting a time from a fraction of seconds may round down.
  if (Math.abs(machine - machineNumber()) > 1) return false;
  const start = readStart(seconds % 2 ** PROCESS_ID_BITS);
  return start === undefined || start !== Math.floor(seconds / 2 ** PROCESS_ID_BITS);
}

/** 0 where processes can't be told from each other: then locks have no owner. */
function stamp(): number {
  const start = readStart(process.pid);
  if (start === undefined) return 0;
  return start * 2 ** PROCESS_ID_BITS + process.pid + machineNumber() / MICROSECONDS;
}

/** From when a process is, as a number of a few bits; undefined if there is none. */
function readStart(processId: number): number | undefined {
  let stat: string;
  try {
    stat = fs.readFileSync(`/proc/${processId}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // Fields of proc(5) from the third one on; the second, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // One that has ended, but that nobody has asked for yet, holds nothing any more.
  if (fields[0] === "Z" || fields[0] === "X") return undefined;
  return Number(fields[19]) % 2 ** START_BITS;
}

function machineNumber(): number {
  let hash = 0;
  for (const byte of Buffer.from(hostname())) hash = (hash * 257 + byte) % MICROSECONDS;
  return hash;
}
