import { statSync } from "node:fs";
import { isAbsolute } from "node:path";
import { isMissing, systemErrorText } from "../../base/error/system-error-text.ts";
import { quoteText } from "../../base/text/quote-text.ts";

/** One thing wrong with the configuration: the path of its key (empty for the whole) and why. */
export interface Problem {
  readonly key: readonly string[];
  readonly message: string;
}

/** A reason why a value can't be, or undefined when it can. */
export type Reason = string | undefined;

/** The problem of one key, if there is a reason. */
export function at(key: string, reason: Reason): readonly Problem[] {
  return reason === undefined ? [] : [{ key: [key], message: reason }];
}

/** Moves problems one table down. */
export function under(key: string, problems: readonly Problem[]): readonly Problem[] {
  return problems.map((problem) => ({ ...problem, key: [key, ...problem.key] }));
}

/** Checks each element; their problems stand under `[0]`, `[1]` and so on. */
export function each<T>(
  elements: readonly T[],
  check: (element: T) => readonly Problem[],
): readonly Problem[] {
  return elements.flatMap((element, index) => under(`[${index}]`, check(element)));
}

/** Renders a problem for a log line: `outer.inner: reason`. */
export function problemText({ key, message }: Problem): string {
  return key.length === 0 ? message : `${key.join(".")}: ${message}`;
}

export function unlessSet(value: string): Reason {
  return value === "" ? "not set" : undefined;
}

export function unlessFilled(value: string): Reason {
  return value.trim() === "" ? "blank or empty" : undefined;
}

export function unlessAbsolute(path: string): Reason {
  return isAbsolute(path) ? undefined : `not an absolute path: ${quoteText(path)}`;
}

/** Reads the disk: `path` must be a directory. */
export function unlessDirectory(path: string): Reason {
  return unlessOnDisk(path, (isDirectory) => (isDirectory ? undefined : "not a dir"));
}

/** Reads the disk: `path` must be something other than a directory. */
export function unlessFile(path: string): Reason {
  return unlessOnDisk(path, (isDirectory) => (isDirectory ? "not a file" : undefined));
}

function unlessOnDisk(path: string, check: (isDirectory: boolean) => Reason): Reason {
  try {
    const reason = check(statSync(path).isDirectory());
    return reason === undefined ? undefined : `${reason}: ${quoteText(path)}`;
  } catch (error) {
    return isMissing(error) ? `doesn't exist: ${quoteText(path)}` : systemErrorText(error);
  }
}

type Show = (value: number) => string;

export function unlessAbove(value: number, limit: number): Reason {
  return value > limit ? undefined : `not in range: ${value} is not greater than ${limit}`;
}

export function unlessAtLeast(value: number, limit: number, show: Show = String): Reason {
  if (value >= limit) return undefined;
  return `not in range: ${show(value)} is not greater than or equal to ${show(limit)}`;
}

/** Both ends belong to the range. */
export function unlessWithin(value: number, from: number, to: number, show: Show = String): Reason {
  if (value >= from && value <= to) return undefined;
  return `not in range: ${show(value)} out of [${show(from)}, ${show(to)}]`;
}

export function unlessNatural(value: number): Reason {
  return value >= 0 ? undefined : `not supported: ${value}`;
}
