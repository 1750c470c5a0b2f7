import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { dial } from "../../src/rpc/client/channel.ts";
import { temporaryDirectory } from "../../src/testing/git-repository.ts";
import { startForge } from "../acceptance/forge.ts";
import { GitClient } from "../acceptance/git-client.ts";
import { drillSize, expectKept, mustBeFound, reportFigures } from "./drill.ts";
import { callMethod, DRILLED_METHODS, RequestMaker } from "./every-rpc.ts";
import { setTrap, type Trap } from "./hostile-config.ts";
import { RefModel } from "./ref-model.ts";
import { prepareWriteLoad } from "./write-load.ts";

/** How many RPCs at least have to do their work, or the drill proves little. */
const SUCCEEDED_MIN = 40;

/** Does everything with a repository whose configuration is an attacker's. */
async function drill(
  t: TestContext,
  rounds: number,
  careless?: (path: string) => Promise<unknown>,
): Promise<Record<string, number>> {
  const forge = await startForge(t);
  const folder = temporaryDirectory(t);
  const load = await prepareWriteLoad(forge, folder, new RefModel());
  t.after(() => load.close());
  const tip = await load.served.run("rev-parse", "main");
  mkdirSync(join(folder, "trap"));
  const path = join(forge.storagePath, "drill.git");
  const trap = setTrap(path, join(folder, "trap"));
  const figures = { triggers: trap.triggerCount, calls: 0, succeeded: 0, gitCommands: 0 };
  await careless?.(path);
  trap.inspect("a careless command");
  for (let round = 0; round < rounds; round++) {
    await useWithGit(forge, folder, round, figures);
    trap.inspect("git clients");
    for (const { name, write } of load.writers) {
      figures.calls += 1;
      await write().then(
        () => figures.succeeded++,
        () => undefined,
      );
      trap.inspect(`the writer ${name}`);
    }
    await callAll(forge.grpcAddress, tip, trap, figures);
    trap.expectUntouched();
  }
  return figures;
}

async function useWithGit(
  forge: { readonly http: string; readonly ssh: string },
  folder: string,
  round: number,
  figures: { gitCommands: number },
): Promise<void> {
  for (const [name, url] of Object.entries({ http: forge.http, ssh: forge.ssh })) {
    const clone = join(folder, `clone-${name}-${round}`);
    await new GitClient().attempt("clone", "-q", `${url}/drill.git`, clone);
    const git = new GitClient({ cwd: clone });
    await git.attempt("fetch", "-q", "--depth=1", "origin");
    await git.attempt("commit", "-q", "--allow-empty", "-m", "more");
    await git.attempt("push", "-q", "origin", `HEAD:refs/heads/trap-${name}-${round}`);
    await git.attempt("push", "-q", "origin", `:refs/heads/trap-${name}-${round}`);
    figures.gitCommands += 5;
  }
}

async function callAll(
  address: string,
  tip: string,
  trap: Trap,
  figures: { calls: number; succeeded: number },
): Promise<void> {
  await using channel = dial(address);
  const maker = new RequestMaker(tip);
  for (const method of DRILLED_METHODS) {
    const status = await callMethod(channel, method, maker.make(method).messages);
    figures.calls += 1;
    if (status === "ok") figures.succeeded += 1;
    trap.inspect(method.name);
  }
}

suite("drill 24: a repository's configuration as an attack", () => {
  test("nothing that the configuration names is run", async (t) => {
    const figures = await drill(t, drillSize(1, 10));
    reportFigures(t, "24", figures);
    expectKept((figures["succeeded"] ?? 0) >= SUCCEEDED_MIN, "hardly anything was done at all");
  });

  test("control: a git command without our settings is found", async (t) => {
    await mustBeFound(/^run from configuration: .* by a careless command/, () =>
      drill(t, 1, (path) =>
        new GitClient({ cwd: path }).attempt("update-ref", "refs/heads/careless", "main"),
      ),
    );
  });
});
