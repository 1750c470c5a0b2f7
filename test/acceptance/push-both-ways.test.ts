/** Each push is received twice, by this program and by `git receive-pack`: nobody sees a difference. */
import assert from "node:assert/strict";
import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { temporaryDirectory } from "../../src/testing/git-repository.ts";
import { type Forge, startForge } from "./forge.ts";
import { GitClient } from "./git-client.ts";
import { PUSH_CASES, type PushCase } from "./push-cases.ts";
import { makePushSource } from "./push-source.ts";

type Way = "own" | "git";

/** What is left of a push when everything that time and place decide is taken out. */
interface Outcome {
  readonly status: number;
  readonly said: readonly string[];
  readonly refs: string;
  readonly objects: string;
  readonly leftovers: readonly string[];
}

/** A setting that changes nothing, but that makes a push one for `git receive-pack`. */
const GIT_ALONE = ["receive.procReceiveRefs", "refs/nobody"] as const;

class Comparison {
  readonly #forge: Forge;
  readonly #folder: string;

  constructor(forge: Forge, folder: string) {
    this.#forge = forge;
    this.#folder = folder;
  }

  async run(pushCase: PushCase, transport: "http" | "ssh", way: Way): Promise<Outcome> {
    const { format = "sha1", prepare, config = [] } = pushCase;
    const name = `${transport}-${pushCase.name.replaceAll(/\W+/g, "-")}-${way}.git`;
    const path = join(this.#forge.storagePath, name);
    cpSync(join(this.#folder, `${format}.git`), path, { recursive: true });
    const served = new GitClient({ cwd: path });
    if (way === "git") await served.run("config", ...GIT_ALONE);
    await prepare?.(served, path);
    // Several threads find other deltas each time.
    const settings = ["pack.threads=1", ...config];
    const work = new GitClient({ cwd: join(this.#folder, format), config: settings });
    const url = `${this.#forge[transport]}/${name}`;
    const { status, stderr } = await work.attempt("push", ...pushCase.args(url));
    return {
      status,
      said: normalize(stderr.replaceAll(path, "PATH").replaceAll(name, "NAME")),
      refs: await served.run("for-each-ref"),
      objects: await served
        .run("cat-file", "--batch-check", "--batch-all-objects", "--unordered")
        .then(sortLines),
      leftovers: leftoversIn(join(path, "objects")),
    };
  }
}

function sortLines(text: string): string {
  return text.split("\n").sort().join("\n");
}

/** Progress of the pusher's own, percentages and speeds are left out. */
function normalize(stderr: string): string[] {
  return stderr
    .split(/[\r\n]+/)
    .map((line) => line.trimEnd().replace(/, [\d.]+ (?:bytes|[KMG]iB) \| .*?s(?=, done)/, ""))
    .filter(
      (line) =>
        !/^(?:Enumerating|Counting|Compressing|Writing|Delta|Total|Everything)\b/.test(line),
    )
    .filter((line) => !/^remote: [A-Z][a-z]+ [a-z]+: +\d/.test(line) || line.endsWith("done."))
    .map((line) => line.replace(/tmp_objdir-incoming-\w+/, "tmp_objdir-incoming-X"));
}

function leftoversIn(objects: string): string[] {
  const packs = readdirSync(join(objects, "pack")).filter(
    (name) => !/\.(?:pack|idx|rev)$/.test(name),
  );
  return [...readdirSync(objects).filter((name) => name.startsWith("tmp_")), ...packs];
}

suite("a push is the same both ways", { concurrency: 2 }, () => {
  const open = async (t: TestContext): Promise<Comparison> => {
    const folder = temporaryDirectory(t);
    const forge = await startForge(t);
    for (const format of ["sha1", "sha256"] as const) await makePushSource(folder, format);
    return new Comparison(forge, folder);
  };
  for (const transport of ["http", "ssh"] as const) {
    test(`over ${transport}`, async (t) => {
      const comparison = await open(t);
      for (const pushCase of PUSH_CASES) {
        await t.test(pushCase.name, async () => {
          const own = await comparison.run(pushCase, transport, "own");
          const git = await comparison.run(pushCase, transport, "git");
          assert.deepEqual(own, git);
          assert.equal(own.status === 0, pushCase.fails !== true, own.said.join("\n"));
          for (const text of pushCase.says ?? []) {
            assert.ok(
              own.said.some((line) => line.includes(text)),
              own.said.join("\n"),
            );
          }
          assert.deepEqual(own.leftovers, []);
        });
      }
    });
  }
});
