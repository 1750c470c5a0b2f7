import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Forge } from "../acceptance/forge.ts";
import { GitClient } from "../acceptance/git-client.ts";
import { makeWorkTree } from "../acceptance/work-tree.ts";
import type { RefHistory } from "./ref-history.ts";

/** Clients that push to `drill.git` until they are told to stop, also while nobody answers. */
export interface PushLoad {
  /** Pushes that were accepted so far. */
  count(): number;
  stop(): Promise<void>;
}

/** What a push adds, so that it takes some time to store. */
const FILE_BYTES = 60_000;
/** Between two pushes of a client, so that others get to work as well. */
const PAUSE_MS = 50;

/** Makes the repository with a first push, and has three clients push to different branches. */
export async function startPushLoad(
  forge: Forge,
  folder: string,
  history: RefHistory,
): Promise<PushLoad> {
  const source = join(folder, "source");
  const base = await makeWorkTree(source, "sha1");
  const url = `${forge.http}/drill.git`;
  const first = await base.run("rev-parse", "main");
  await history.change("refs/heads/main", first, () => base.run("push", "-q", url, "main"));
  const clones = [join(folder, "http"), join(folder, "ssh")] as const;
  for (const clone of clones) await base.run("clone", "-q", source, clone);
  const writers = [
    pusher(url, clones[0], "refs/heads/over-http", history),
    pusher(`${forge.ssh}/drill.git`, clones[1], "refs/heads/over-ssh", history),
    turner(url, base, first, history),
  ];
  let count = 0;
  let ended = false;
  const working = writers.map(async (write) => {
    while (!ended) {
      try {
        await write();
        count += 1;
      } catch {
        // Nobody answers, or the server was killed meanwhile.
      }
      await delay(PAUSE_MS);
    }
  });
  return {
    count: () => count,
    stop: async () => {
      ended = true;
      await Promise.all(working);
    },
  };
}

type Write = () => Promise<void>;

function pusher(url: string, clone: string, ref: string, history: RefHistory): Write {
  const git = new GitClient({ cwd: clone });
  return async () => {
    writeFileSync(join(clone, "grows"), randomBytes(FILE_BYTES));
    await git.run("add", "grows");
    await git.run("commit", "-q", "-m", "more");
    const tip = await git.run("rev-parse", "HEAD");
    await history.change(ref, tip, () => git.run("push", "-q", url, `+HEAD:${ref}`));
  };
}

/** Makes branches and removes them in turn. */
function turner(url: string, git: GitClient, tip: string, history: RefHistory): Write {
  let count = 0;
  return async () => {
    count += 1;
    const ref = `refs/heads/turn-${count % 3}`;
    await history.change(ref, tip, () => git.run("push", "-q", url, `${tip}:${ref}`));
    await history.change(ref, undefined, () => git.run("push", "-q", url, `:${ref}`));
  };
}
