import type { BenchCase, BenchRequest } from "./bench-case.ts";

/** How often each call comes in a second of Gitaly's own load test. */
const WEIGHTS: ReadonlyMap<string, number> = new Map([
  ["FindCommit", 90],
  ["ListCommitsByOid (20)", 90],
  ["GetBlobs (10)", 90],
  ["GetTreeEntries (one folder)", 90],
  ["TreeEntry", 40],
]);
const FORKS_MAX = 0.4;

/**
 * The calls of a busy server in their proportions, from those cases that the target has built.
 * Undefined when it has none of them.
 */
export function readMix(built: readonly BenchCase[]): BenchCase | undefined {
  const members = built.filter(({ name }) => WEIGHTS.has(name));
  const [first] = members;
  if (first === undefined) return undefined;
  const isWhole = members.length === WEIGHTS.size;
  return {
    name: isWhole ? "read mix" : `read mix (${members.length} of ${WEIGHTS.size} calls)`,
    method: first.method,
    forksMax: isWhole ? FORKS_MAX : undefined,
    changes: false,
    *requests(subject) {
      const sources = members.map(({ name, requests }) => ({
        weight: WEIGHTS.get(name) ?? 0,
        requests: requests(subject)[Symbol.iterator](),
      }));
      const total = sources.reduce((sum, { weight }) => sum + weight, 0);
      for (;;) yield nextOf(sources, subject.random.below(total));
    },
  };
}

function nextOf(
  sources: readonly { weight: number; requests: Iterator<BenchRequest> }[],
  ticket: number,
): BenchRequest {
  let left = ticket;
  for (const { weight, requests } of sources) {
    if (left < weight) {
      const { value, done } = requests.next();
      if (done !== true) return value;
    }
    left -= weight;
  }
  throw new Error("the mix has run dry");
}
