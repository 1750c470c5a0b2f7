import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../spawn.ts", import.meta.url));

/** Megabytes that the server's process holds while it starts processes. */
const SIZES = ["0", "1000"];

/** Measures what starting git costs the server's process, in processes of their own. */
export async function runSpawn(): Promise<void> {
  console.log("\nspawn: starting git, small and with 1 GB resident");
  for (const resident of SIZES) {
    const child = spawn(process.execPath, [PROGRAM, "--resident", resident], { stdio: "inherit" });
    const [code] = await once(child, "exit");
    if (code !== 0) throw new Error("bench/spawn.ts failed");
  }
}
