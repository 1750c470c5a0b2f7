import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Target } from "../target/target.ts";
import type { CloneAnswer, CloneOrder } from "./clone-order.ts";

const PROGRAM = fileURLToPath(new URL("../clone-client.ts", import.meta.url));

/** A process that clones from a target. */
export interface CloneClient extends AsyncDisposable {
  /** Throws when a clone fails. */
  clone(order: CloneOrder): Promise<CloneAnswer>;
}

export function startCloneClient({ address, token }: Target): CloneClient {
  const child = fork(PROGRAM, [address, token ?? ""]);
  const exited = once(child, "exit");
  return {
    clone: async (order) => {
      child.send(order);
      const gone = exited.then(() => {
        throw new Error("the cloning process has ended");
      });
      const answered: Promise<CloneAnswer> = once(child, "message").then(([answer]) => answer);
      const answer = await Promise.race([answered, gone]);
      if (answer.error !== undefined) throw new Error(`a clone failed: ${answer.error}`);
      return answer;
    },
    [Symbol.asyncDispose]: async () => {
      child.disconnect();
      await exited;
    },
  };
}
