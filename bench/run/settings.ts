import { parseTargets, type TargetAddress } from "../target/external-target.ts";

/** What one run of the bench does, from the environment and the command line. */
export interface Settings {
  /** None means: start our own server. */
  readonly targets: readonly TargetAddress[];
  /** The token of servers that somebody else has started. */
  readonly token: string | undefined;
  /** Parts to run, or cases by the start of their name; none means all parts. */
  readonly names: readonly string[];
  /** A repository to measure with beside the generated ones. */
  readonly repository: string | undefined;
  /** Where the figures go as JSON. */
  readonly jsonPath: string | undefined;
  readonly rounds: number;
  readonly roundMs: number;
}

export const PARTS = ["rpc", "spawn", "clone", "history", "bulk-push", "housekeeping"] as const;
export type Part = (typeof PARTS)[number];

const ROUNDS = 5;
const ROUND_MS = 800;

export function readSettings(
  environment: Readonly<Record<string, string | undefined>>,
  args: readonly string[],
): Settings {
  const given = (name: string): string | undefined => environment[name] || undefined;
  return {
    targets: parseTargets(given("TARGETS") ?? ""),
    token: given("TOKEN"),
    names: [...(given("NAME") ?? "").split(/[\s,]+/), ...args].filter((name) => name !== ""),
    repository: given("REPOSITORY"),
    jsonPath: given("JSON"),
    rounds: positive(given("ROUNDS"), ROUNDS),
    roundMs: positive(given("ROUND_MS"), ROUND_MS),
  };
}

/** Whether a part runs; one that is no part's name chooses cases of "rpc". */
export function includesPart({ names }: Settings, part: Part): boolean {
  if (names.length === 0 || names.includes(part)) return true;
  return part === "rpc" && caseNames(names).length > 0;
}

/** The names that choose cases. */
export function caseNames(names: readonly string[]): string[] {
  const parts: readonly string[] = PARTS;
  return names.filter((name) => !parts.includes(name));
}

function positive(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value <= 0) throw new Error(`not a positive number: ${text}`);
  return value;
}
