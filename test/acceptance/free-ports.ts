import { randomInt } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const FIRST_PORT = 10_000;
const END_PORT = 32_000;
const ATTEMPTS = 60;
const PAUSE_MS = 1000;

/** Starts something on ports that were free a moment ago, on others when somebody was faster. */
export async function startOnFreePorts<T>(
  count: number,
  start: (ports: readonly number[]) => Promise<T>,
): Promise<T> {
  return untilFree(async () => start(await freePorts(count)));
}

/** Starts something on ports that are its own: who has them meanwhile gives them back soon. */
export async function untilFree<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      const isTaken = error instanceof Error && error.message.includes("address already in use");
      if (!isTaken || attempt === ATTEMPTS) throw error;
      await delay(PAUSE_MS);
    }
  }
}

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const end = endOfPorts();
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(FIRST_PORT, end);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

/**
 * Below the ports that the system gives to whoever asks for any: a test beside us would take one
 * before we can.
 */
function endOfPorts(): number {
  const range = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "latin1");
  const first = Number.parseInt(range, 10);
  return first > FIRST_PORT + 1000 ? Math.min(first, END_PORT) : END_PORT;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, "127.0.0.1"), "listening");
  } catch {
    return false;
  }
  await once(server.close(), "close");
  return true;
}
