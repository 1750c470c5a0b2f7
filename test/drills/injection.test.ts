import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { dial } from "../../src/rpc/client/channel.ts";
import { findTestGit, temporaryDirectory } from "../../src/testing/git-repository.ts";
import { startForge } from "../acceptance/forge.ts";
import { GitClient } from "../acceptance/git-client.ts";
import { drillSize, expectKept, mustBeFound, reportFigures, seededRandom } from "./drill.ts";
import { callMethod, DRILLED_METHODS, RequestMaker } from "./every-rpc.ts";
import { auditObstacle, auditPrefix, expectHarmless, payloads } from "./exec-audit.ts";
import { RefModel } from "./ref-model.ts";
import { prepareWriteLoad } from "./write-load.ts";

const CALLS_AT_ONCE = 8;
const CALLS_SHORT = 150;
const ALL = Number.POSITIVE_INFINITY;

/** Plants texts in every field of every RPC while everything that is started is written down. */
async function drill(t: TestContext, callsMax: number): Promise<Record<string, number>> {
  const folder = temporaryDirectory(t);
  const log = join(folder, "log");
  const forge = await startForge(t, undefined, auditPrefix(log));
  const load = await prepareWriteLoad(forge, folder, new RefModel());
  t.after(() => load.close());
  const canary = join(folder, "canary");
  const texts = payloads(canary);
  const random = seededRandom(t);
  const maker = new RequestMaker(await load.served.run("rev-parse", "main"));
  const places = DRILLED_METHODS.flatMap((method) => {
    const { textCount } = maker.make(method);
    return Array.from({ length: textCount }, (_, index) => ({ method, index }));
  });
  const planned = places.flatMap((place) => texts.map((value) => ({ ...place, value })));
  const chosen =
    callsMax >= planned.length
      ? planned
      : Array.from({ length: callsMax }, () => planned[Math.floor(random() * planned.length)]);
  await using channel = dial(forge.grpcAddress);
  const waiting = chosen.flatMap((plan) => (plan === undefined ? [] : [plan])).values();
  const work = async (): Promise<void> => {
    for (const { method, ...planted } of waiting) {
      await callMethod(channel, method, maker.make(method, planted).messages);
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, work));
  await pushPlanted(forge.http, join(folder, "http"), texts);
  await pushPlanted(forge.ssh, join(folder, "ssh"), texts);
  await forge.stop();
  const programs = expectHarmless(readFileSync(log, "latin1"));
  expectKept(!existsSync(canary), "a planted command was run");
  return { fields: places.length, payloads: texts.length, calls: chosen.length, programs };
}

/** CVE-2026-3854: a push option with a semicolon became fields of an internal header. */
async function pushPlanted(url: string, clone: string, texts: readonly string[]): Promise<void> {
  const git = new GitClient({ cwd: clone });
  // What a client itself can't send isn't for us to find.
  const options = texts
    .filter((text) => !/[\0\n]/.test(text))
    .map((text) => `--push-option=${text}`);
  await git.attempt("push", "-q", ...options, `${url}/drill.git`, "HEAD:refs/heads/options");
  for (const text of texts.filter((value) => !value.includes("\0")).slice(0, 4)) {
    await git.attempt("push", "-q", `${url}/drill.git`, `HEAD:refs/heads/${text}`);
  }
}

suite("drill 22: injection", () => {
  const skip = auditObstacle() ?? false;

  test("what a request says stays a value", { skip }, async (t) => {
    const figures = await drill(t, drillSize(CALLS_SHORT, ALL));
    reportFigures(t, "22", figures);
    expectKept((figures["programs"] ?? 0) > 10, "hardly any program was seen");
  });

  test("control: careless commands are found", { skip }, async (t) => {
    const folder = temporaryDirectory(t);
    const [, semicolon = ""] = payloads(join(folder, "canary")).filter((text) => /;/.test(text));
    const [flag = ""] = payloads("");
    const careless = [
      [/^an option was planted/, findTestGit(), "log", flag],
      [/^a shell got/, "/bin/sh", "-c", `true ${semicolon}`],
    ] as const;
    for (const [index, [pattern, ...command]] of careless.entries()) {
      const log = join(folder, `log-${index}`);
      const [tracer = "", ...flags] = auditPrefix(log).filter((word) => word !== "-D");
      try {
        execFileSync(tracer, [...flags, ...command], { stdio: "ignore", cwd: folder });
      } catch {
        // What becomes of the command doesn't matter.
      }
      await mustBeFound(pattern, async () => expectHarmless(readFileSync(log, "latin1")));
    }
  });
});
