import { RE2JS, RE2JSException } from "re2js";

/**
 * Compiles one of linguist's expressions, in which `^` and `$` stand for the ends of lines.
 *
 * @returns undefined for grammar that can't be matched in linear time
 */
export function linearPattern(pattern: string): RE2JS | undefined {
  try {
    return RE2JS.compile(pattern, RE2JS.MULTILINE);
  } catch (error) {
    if (error instanceof RE2JSException) return undefined;
    throw error;
  }
}
