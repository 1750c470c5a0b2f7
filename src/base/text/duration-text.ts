import { quoteText } from "./quote-text.ts";

const NANOSECONDS_PER: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["µs", 1_000n],
  ["μs", 1_000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
]);

/** What a 64-bit count of nanoseconds can hold, about 292 years. */
const NANOSECONDS_MAX = (1n << 63n) - 1n;

const COMPONENT = /^(\d*)(?:\.(\d*))?([^\d.]*)/;

/** The text is no duration; the message names the text and the reason. */
export class DurationSyntaxError extends Error {}

/**
 * Reads a duration such as `1m30s`, `-1.5h` or `300ms` and returns milliseconds, with a fraction
 * where the text is finer than that.
 *
 * The grammar is the one of Go's duration flags: a sign, then numbers each with a unit; a bare `0`
 * needs none. Throws DurationSyntaxError.
 */
export function parseDuration(text: string): number {
  const negative = text.startsWith("-");
  const unsigned = text.replace(/^[+-]/, "");
  if (unsigned === "0") return 0;
  if (unsigned === "") throw invalid(text);
  let nanoseconds = 0n;
  for (let rest = unsigned; rest !== ""; ) {
    const [matched, whole = "", fraction = "", unit = ""] = COMPONENT.exec(rest) ?? [""];
    if (whole === "" && fraction === "") throw invalid(text);
    if (unit === "") {
      throw new DurationSyntaxError(`time: missing unit in duration ${quoteText(text)}`);
    }
    nanoseconds += componentNanoseconds(whole, fraction, unit, text);
    rest = rest.slice(matched.length);
  }
  if (nanoseconds > NANOSECONDS_MAX) throw invalid(text);
  return Number(negative ? -nanoseconds : nanoseconds) / 1e6;
}

function componentNanoseconds(whole: string, fraction: string, unit: string, text: string): bigint {
  const scale = NANOSECONDS_PER.get(unit);
  if (scale === undefined) {
    const shown = quoteText(unit);
    throw new DurationSyntaxError(`time: unknown unit ${shown} in duration ${quoteText(text)}`);
  }
  if (whole.length > 19) throw invalid(text);
  // Digits beyond the nineteenth are below a nanosecond for every unit.
  const digits = fraction.slice(0, 19);
  return BigInt(whole) * scale + (BigInt(digits) * scale) / 10n ** BigInt(digits.length);
}

function invalid(text: string): DurationSyntaxError {
  return new DurationSyntaxError(`time: invalid duration ${quoteText(text)}`);
}

/** Writes milliseconds the way `parseDuration` reads them: `1m0s`, `1.5s`, `10ms`, `0s`. */
export function formatDuration(milliseconds: number): string {
  const sign = milliseconds < 0 ? "-" : "";
  const nanoseconds = BigInt(Math.round(Math.abs(milliseconds) * 1e6));
  if (nanoseconds === 0n) return "0s";
  if (nanoseconds < 1_000n) return `${sign}${nanoseconds}ns`;
  if (nanoseconds < 1_000_000n) return `${sign}${decimal(nanoseconds, 1_000n)}µs`;
  if (nanoseconds < 1_000_000_000n) return `${sign}${decimal(nanoseconds, 1_000_000n)}ms`;
  const minutes = nanoseconds / 60_000_000_000n;
  const seconds = `${decimal(nanoseconds % 60_000_000_000n, 1_000_000_000n)}s`;
  if (minutes === 0n) return `${sign}${seconds}`;
  if (minutes < 60n) return `${sign}${minutes}m${seconds}`;
  return `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

function decimal(value: bigint, unit: bigint): string {
  const digits = unit.toString().length - 1;
  const fraction = (value % unit).toString().padStart(digits, "0").replace(/0+$/, "");
  return fraction === "" ? `${value / unit}` : `${value / unit}.${fraction}`;
}
