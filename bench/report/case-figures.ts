import type { CaseOutcome, MeteredRound } from "../rpc/measure-cases.ts";
import { median, quantile } from "./statistics.ts";

/** The figures of one case with one target. */
export interface CaseFigures {
  readonly caseName: string;
  readonly targetName: string;
  readonly excuse: string | undefined;
  readonly requestsPerSecond: number;
  readonly cpuMicroseconds: number;
  /** CPU of a request in forks. */
  readonly forks: number;
  readonly forksMax: number | undefined;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly residentMegabytes: number;
  readonly callCount: number;
}

/** Sums up rounds: medians, so that one disturbed round doesn't count. */
export function figuresOf(
  caseName: string,
  forksMax: number | undefined,
  { targetName, rounds, excuse }: CaseOutcome,
): CaseFigures {
  const overRounds = (value: (round: MeteredRound) => number): number => median(rounds.map(value));
  const cpuOf = ({ cpuMicroseconds, callCount }: MeteredRound): number =>
    (cpuMicroseconds ?? Number.NaN) / callCount;
  const latencies = rounds.flatMap(({ latenciesMs }) => latenciesMs);
  return {
    caseName,
    targetName,
    excuse,
    requestsPerSecond: overRounds(({ callCount, wallMs }) => (callCount / wallMs) * 1000),
    cpuMicroseconds: overRounds(cpuOf),
    forks: overRounds((round) => cpuOf(round) / round.forkMicroseconds),
    forksMax,
    p50Ms: median(latencies),
    p99Ms: quantile(latencies, 0.99),
    residentMegabytes: overRounds(({ residentBytes }) => (residentBytes ?? Number.NaN) / 2 ** 20),
    callCount: latencies.length,
  };
}

/** Headings and how wide their columns are; the first two hold words, the others numbers. */
const COLUMNS = [
  ["RPC", 36],
  ["target", 8],
  ["req/s", 7],
  ["CPU µs", 8],
  ["forks", 7],
  ["goal", 12],
  ["p50 ms", 7],
  ["p99 ms", 7],
  ["MB", 5],
] as const;
const WORD_COLUMNS = 2;

/** The headings of the lines that `caseLines` makes. */
export function caseHeading(): string {
  return line(COLUMNS.map(([heading]) => heading));
}

/** One line for each target; the first one is what the others are compared with. */
export function caseLines(figures: readonly CaseFigures[]): string[] {
  const [first] = figures;
  return figures.map((each) => {
    const { caseName, targetName, excuse } = each;
    if (excuse !== undefined) return `${line([caseName, targetName])}  ${excuse}`;
    const { requestsPerSecond, cpuMicroseconds, forks, p50Ms, p99Ms, residentMegabytes } = each;
    const cells = [
      ...[caseName, targetName, whole(requestsPerSecond), whole(cpuMicroseconds)],
      ...[significant(forks), goalText(each), significant(p50Ms), significant(p99Ms)],
      whole(residentMegabytes),
    ];
    if (first === undefined || first === each || first.excuse !== undefined) return line(cells);
    return `${line(cells)}  ×${significant(forks / first.forks)} of ${first.targetName}'s forks`;
  });
}

function line(cells: readonly string[]): string {
  const padded = cells.map((cell, index) => {
    const width = COLUMNS[index]?.[1] ?? 0;
    return index < WORD_COLUMNS ? cell.padEnd(width) : cell.padStart(width);
  });
  return padded.join("  ");
}

function goalText({ forks, forksMax }: CaseFigures): string {
  if (forksMax === undefined) return "";
  return `${forks <= forksMax ? "≤" : "missed"} ${forksMax}`;
}

function whole(value: number): string {
  return Number.isNaN(value) ? "-" : Math.round(value).toString();
}

/** Three digits that mean something. */
export function significant(value: number): string {
  if (Number.isNaN(value)) return "-";
  return value >= 100 ? Math.round(value).toString() : value.toPrecision(value >= 1 ? 3 : 2);
}
