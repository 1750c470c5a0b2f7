import type { HardReason } from "../git/diff/text/diff-too-hard-error.ts";

/**
 * Why a git process answers what is usually read in the server's own process.
 *
 * Whoever lets git do so names the reason in `RunOptions.fallback`; the runner counts it. Commands
 * that are git's anyway, such as `upload-pack`, have none.
 */
export type FallbackReason =
  | HardReason
  /** A revision in a form that only git understands, or has to say what is wrong with. */
  | "revision"
  /** Paths that are, or may be, patterns. */
  | "path"
  /** Options of a request that aren't supported here. */
  | "options"
  /** A history that needs git: for its filters, or for damage on the way. */
  | "history"
  /** Text that has to be converted into UTF-8. */
  | "encoding"
  /** The repository's or the administrator's configuration changes what git answers. */
  | "configuration";
