import { invalidArgument } from "../../../rpc/rpc-error.ts";

/** What `git upload-pack` wants of `git pack-objects`. */
export interface PackObjectsArgs {
  /** Everything but `--stdout`. */
  readonly flags: readonly string[];
  /** Whether git shall look at no file of shallow commits, since it is told about them. */
  readonly ignoresShallowFile: boolean;
}

/**
 * Checks the command line that upload-pack gives to its hook: it comes from another process, and
 * git must neither write a file nor read one that is named there.
 */
export function parsePackObjectsArgs(args: readonly string[]): PackObjectsArgs {
  const ignoresShallowFile = args[0] === "--shallow-file" && args[1] === "";
  const [name, ...flags] = ignoresShallowFile ? args.slice(2) : args;
  const refused = (reason: string): Error =>
    invalidArgument(`invalid pack-objects command: [${args.join(" ")}]: ${reason}`);
  if (name !== "pack-objects") throw refused("missing pack-objects");
  if (flags.some((flag) => !flag.startsWith("-"))) throw refused("non-flag argument");
  if (!flags.includes("--stdout")) throw refused("missing --stdout");
  return { flags: flags.filter((flag) => flag !== "--stdout"), ignoresShallowFile };
}
