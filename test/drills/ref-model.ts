import type { GitClient } from "../acceptance/git-client.ts";
import { DrillFinding, expectKept } from "./drill.ts";

/** What a reference leads to; undefined if there is none. */
type Target = string | undefined;
/** A write that may have happened: its target, or a commit that the server was to make. */
type Attempt = { readonly target: Target } | { readonly childOf: Target };

/** What a drill has been told about references. Each is written by one writer at a time. */
export class RefModel {
  readonly #acknowledged = new Map<string, Target>();
  readonly #attempts = new Map<string, Attempt[]>();
  readonly #isHasty: boolean;
  acknowledgedCount = 0;

  /** `hasty` takes every write for acknowledged when it is asked for: the planted bug. */
  constructor({ hasty = false }: { readonly hasty?: boolean } = {}) {
    this.#isHasty = hasty;
  }

  /** A write is about to be asked for. */
  intend(ref: string, attempt: Attempt): void {
    this.#attempts.set(ref, [...(this.#attempts.get(ref) ?? []), attempt]);
    if (this.#isHasty && "target" in attempt) this.acknowledge(ref, attempt.target);
  }

  /** The server has said that the write is done. */
  acknowledge(ref: string, target: Target): void {
    this.#acknowledged.set(ref, target);
    this.#attempts.delete(ref);
    this.acknowledgedCount += 1;
  }

  target(ref: string): Target {
    return this.#acknowledged.get(ref);
  }

  /** Compares with what is on disk while nobody writes, and takes that for granted afterwards. */
  async check(git: GitClient): Promise<void> {
    const found = await readRefs(git);
    for (const ref of new Set([...this.#acknowledged.keys(), ...this.#attempts.keys()])) {
      const [was, is] = [this.#acknowledged.get(ref), found.get(ref)];
      if (was === is) continue;
      const attempts = this.#attempts.get(ref) ?? [];
      const explained = await Promise.all(attempts.map((attempt) => explains(git, attempt, is)));
      expectKept(explained.includes(true), `lost: ${ref} is ${is}, acknowledged was ${was}`);
      this.#acknowledged.set(ref, is);
    }
    this.#attempts.clear();
  }
}

/** Fails with a finding unless every object is there that references lead to, and is whole. */
export async function expectSound(git: GitClient): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { status, stdout, stderr } = await git.attempt("fsck", "--full", "--no-dangling");
    const complaints = `${stdout}${stderr}`.match(/^(missing|broken|error|fatal|bad).*$/gm) ?? [];
    if (status === 0 && complaints.length === 0) return;
    // Housekeeping may move objects to a pack while git looks; what is lost stays lost.
    if (attempt < FSCK_ATTEMPTS_MAX) continue;
    throw new DrillFinding(`fsck: ${status} ${complaints.join("; ")}`);
  }
}

const FSCK_ATTEMPTS_MAX = 3;

async function readRefs(git: GitClient): Promise<Map<string, string>> {
  const output = await git.run("for-each-ref", "--format=%(refname) %(objectname)");
  const pairs = output.split("\n").map((line) => line.split(" "));
  return new Map(pairs.map(([ref = "", oid = ""]) => [ref, oid]));
}

async function explains(git: GitClient, attempt: Attempt, is: Target): Promise<boolean> {
  if ("target" in attempt) return attempt.target === is;
  if (is === undefined) return false;
  const parent = await git.attempt("rev-parse", "--verify", "-q", `${is}^1`);
  return parent.stdout.trim() === (attempt.childOf ?? "");
}
