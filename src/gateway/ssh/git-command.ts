/** The commands that git clients run over SSH. */
export type SshService = "upload-pack" | "receive-pack" | "upload-archive";

export interface SshGitCommand {
  readonly service: SshService;
  readonly path: string;
}

const COMMAND = /^git[- ](upload-pack|receive-pack|upload-archive) (.+)$/s;

/**
 * Reads the command line that a git client sends: `git-upload-pack '/group/project.git'`.
 *
 * Returns undefined for every other command. Nothing is ever handed to a shell.
 */
export function parseSshGitCommand(line: string): SshGitCommand | undefined {
  const [, service, argument = ""] = COMMAND.exec(line) ?? [];
  const path = unquote(argument);
  if (path === undefined || !isService(service)) return undefined;
  return { service, path };
}

function isService(name: string | undefined): name is SshService {
  return name === "upload-pack" || name === "receive-pack" || name === "upload-archive";
}

/** Undoes git's quoting: single quotes, with `'\''` and `'\!'` for the two signs it escapes. */
function unquote(argument: string): string | undefined {
  if (!argument.startsWith("'")) return /['"\\\s]/.test(argument) ? undefined : argument;
  const quoted = /^(?:'[^']*'|\\['!])+$/;
  if (!quoted.test(argument)) return undefined;
  return argument.replace(/'([^']*)'|\\(['!])/g, (_, plain = "", escaped = "") => plain + escaped);
}
