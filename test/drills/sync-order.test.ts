import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { temporaryDirectory } from "../../src/testing/git-repository.ts";
import { startForge } from "../acceptance/forge.ts";
import { drillSize, expectKept, mustBeFound, reportFigures } from "./drill.ts";
import { auditObstacle } from "./exec-audit.ts";
import { RefModel } from "./ref-model.ts";
import { expectSyncedFirst, syncAuditPrefix } from "./sync-audit.ts";
import { prepareWriteLoad } from "./write-load.ts";

/** Lets every writer write while syncs and names are written down; counts the names. */
async function drill(t: TestContext, rounds: number, stubbed: boolean): Promise<number> {
  const folder = temporaryDirectory(t);
  const log = join(folder, "log");
  const forge = await startForge(t, undefined, syncAuditPrefix(log, { stubbed }));
  const load = await prepareWriteLoad(forge, folder, new RefModel());
  t.after(() => load.close());
  for (let round = 0; round < rounds; round++) {
    for (const { write } of load.writers) await write();
    await load.served.run("pack-refs", "--all");
  }
  const repository = realpathSync(join(forge.storagePath, "drill.git"));
  await forge.stop();
  return expectSyncedFirst(readFileSync(log, "utf8"), repository);
}

suite("drill 4: sync order", () => {
  const skip = auditObstacle() ?? false;

  test("files are synced before they get their names", { skip }, async (t) => {
    const rounds = drillSize(2, 50);
    const named = await drill(t, rounds, false);
    reportFigures(t, "4", { rounds, named });
    expectKept(named > 5, "hardly anything was named");
  });

  test("control: a server whose fsync does nothing is found", { skip }, async (t) => {
    await mustBeFound(/^named before it was synced/, () => drill(t, 1, true));
  });
});
