import { expectKept } from "./drill.ts";

/** What a reference leads to; undefined if there is none. */
type Target = string | undefined;

/** A change of a reference, by the moments of its `RefHistory`. */
interface Change {
  readonly target: Target;
  readonly begun: number;
  /** When the server had said that it is done; undefined if it never did. */
  ended: number | undefined;
}

/** A stretch of time in which a reference may have had a value. */
type Stretch = readonly [from: number, to: number];

/** Which values references may have had when. Each is changed by one writer at a time. */
export class RefHistory {
  readonly #changes = new Map<string, Change[]>();
  #moment = 0;

  /** The moment now, later than all before. */
  now(): number {
    this.#moment += 1;
    return this.#moment;
  }

  /** Whether a change of the reference has been begun and made since then. */
  hasChanged(ref: string, since: number): boolean {
    const changes = this.#changes.get(ref) ?? [];
    return changes.some(({ begun, ended }) => begun > since && ended !== undefined);
  }

  /** Makes a change; while it fails, it may have happened or not. */
  async change(ref: string, target: Target, make: () => Promise<unknown>): Promise<void> {
    const change: Change = { target, begun: this.now(), ended: undefined };
    const before = { target: undefined, begun: 0, ended: 0 };
    this.#changes.set(ref, [...(this.#changes.get(ref) ?? [before]), change]);
    await make();
    change.ended = this.now();
  }

  /** Fails with a finding unless all references were like that at one moment from `from` to `to`. */
  expectMoment(found: ReadonlyMap<string, string>, from: number, to: number): void {
    const unknown = [...found.keys()].filter((ref) => !this.#changes.has(ref));
    expectKept(unknown.length === 0, `nobody has made ${unknown.join(" ")}`);
    const stretches = [...this.#changes].map(([ref, changes]) => {
      const possible = stretchesOf(changes, found.get(ref)).filter(
        ([first, last]) => first <= to && last >= from,
      );
      expectKept(possible.length > 0, `no moment: ${ref} was not at ${found.get(ref)} then`);
      return possible;
    });
    const moments = [from, ...stretches.flat().map(([first]) => first)].filter(
      (moment) => moment >= from && moment <= to,
    );
    const isMoment = (moment: number): boolean =>
      stretches.every((own) => own.some(([first, last]) => first <= moment && moment <= last));
    expectKept(moments.some(isMoment), "no moment: references are of different ones");
  }
}

/** From when a value may have been there until when it may not be any more. */
function stretchesOf(changes: readonly Change[], target: Target): Stretch[] {
  return changes.flatMap((change, index): Stretch[] => {
    if (change.target !== target) return [];
    const ends = changes.slice(index + 1).flatMap(({ ended }) => ended ?? []);
    return [[change.begun, Math.min(...ends)]];
  });
}
