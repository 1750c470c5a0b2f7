import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import { startReferenceChange } from "../common/change-references.ts";
import { collectGit } from "../common/collect-git.ts";
import type { FetchNeeds, PoolFetch } from "./fetch-references.ts";

/** References of objects that no member's reference leads to. */
const DANGLING_PREFIX = "refs/dangling/";

/**
 * Makes a reference for every object of a pool that nothing leads to. Whether a member needs it
 * can't be told, so it mustn't get lost whatever prunes objects one day.
 */
export async function rescueDanglingObjects(
  needs: FetchNeeds,
  { pool, call, options }: PoolFetch,
): Promise<void> {
  const command = { name: "fsck", flags: ["--connectivity-only", "--dangling"] } as const;
  const { stdout, stderrBytes, failure } = await collectGit(
    needs.git,
    pool.located,
    command,
    options,
  );
  if (failure !== undefined) {
    const said = `stderr: ${quoteBytes(stderrBytes)}`;
    throw new RpcError("unknown", `git fsck: ${failure.message}, ${said}`, { cause: failure });
  }
  const oids = stdout.toString("latin1").split("\n").flatMap(danglingOid);
  if (oids.length === 0) return;
  const how = { git: options, votes: false };
  await using change = await startReferenceChange(needs, pool, call, how);
  for (const oid of oids) await change.create(DANGLING_PREFIX + oid, oid);
  await change.commit();
}

/** Takes `dangling <type> <oid>`. */
function danglingOid(line: string): Oid[] {
  const [what, , hex = ""] = line.split(" ");
  const oid = what === "dangling" ? parseOid(hex) : undefined;
  return oid === undefined ? [] : [oid];
}
