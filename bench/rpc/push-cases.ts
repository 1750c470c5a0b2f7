import { RefService } from "../../src/proto/ref_pb.ts";
import { SSHService } from "../../src/proto/ssh_pb.ts";
import {
  type BenchCase,
  type BenchRequest,
  encode,
  type Subject,
  writeCase,
} from "./bench-case.ts";
import { pushCommand } from "./push-stream.ts";
import { packOfOneCommit } from "./tiny-pack.ts";
import { WRITING_USER } from "./writing-user.ts";

/** Branches that take turns: more than are pushed to at one time, as each push follows the last. */
const PUSHED_BRANCHES = 32;

/** Pushes of one commit, over SSH. */
export const PUSH_CASES: readonly BenchCase[] = [
  writeCase("push of one commit (SSHReceivePack)", SSHService.method.sSHReceivePack, pushes, {
    forksMax: 10,
    preparation: (subject) => [makePushedBranches(subject)],
    succeeded: (replies) => replies.includes("unpack ok") && !replies.includes("ng refs/"),
  }),
];

function pushes({ repository, runId, facts }: Subject) {
  const { glId, glUsername } = WRITING_USER;
  const tips = new Map<string, string>();
  return (call: number) => {
    const ref = pushedBranch(runId, call % PUSHED_BRANCHES);
    const old = tips.get(ref) ?? facts.tip;
    const { commit, pack } = packOfOneCommit({ parent: old, tree: facts.tipTree, serial: call });
    tips.set(ref, commit);
    const stdin = Buffer.concat([pushCommand([{ ref, commit, old }]), pack]);
    return [{ repository, glId, glUsername }, { stdin }];
  };
}

function makePushedBranches({ repository, runId, facts }: Subject): BenchRequest {
  const method = RefService.method.updateReferences;
  const updates = Array.from({ length: PUSHED_BRANCHES }, (_, index) => ({
    reference: Buffer.from(pushedBranch(runId, index)),
    newObjectId: Buffer.from(facts.tip),
  }));
  return { method, messages: [encode(method, { repository, updates })] };
}

function pushedBranch(runId: string, index: number): string {
  return `refs/heads/push-${runId}-${index}`;
}
