import type { Writable } from "node:stream";
import { DomainError } from "../../base/error/domain-error.ts";
import { type CommitSigner, loadSigner } from "../../git/signing/commit-signer.ts";
import {
  type FlagDefinitions,
  type ParsedFlags,
  parseFlags,
  UsageError,
} from "../cli/parse-flags.ts";
import { GitDateError, parseGitDate } from "./git-date.ts";

/** What `gitaly-gpg` may use of the process that git has started in place of gpg. */
export interface GpgProcess {
  /** What follows the program's name: git's flags, and the path of a private key. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

const FLAGS: FlagDefinitions = {
  "status-fd": { kind: "text", usage: "" },
  verify: { kind: "truth", usage: "" },
  bsau: { kind: "truth", usage: "" },
  help: { kind: "truth", usage: "show help", short: "h" },
};

const HELP = `NAME:
   gitaly-gpg - signs commits with a private key that is a file

USAGE:
   gitaly-gpg [global options]

GLOBAL OPTIONS:
   --status-fd int  (default: 0)
   --verify         (default: false)
   --bsau           (default: false)
   --help, -h       show help
`;

/** Something that is said as it is before the program ends. */
class GpgError extends Error {}

/**
 * `gitaly-gpg --status-fd=2 -bsau KEY`, for `gpg.program`: signs what comes in with a key that git
 * names by its path, an OpenPGP or OpenSSH key.
 *
 * The time of the signature is the author's, from `GIT_AUTHOR_DATE`, so that it is the same each
 * time. Returns the exit status; why it has failed is written to stderr.
 */
export async function runGpgProgram(process: GpgProcess): Promise<number> {
  try {
    const { flags, args } = parse(process);
    if (flags.truth("help") || args[0] === "help" || args[0] === "h") {
      process.stdout.write(HELP);
      return 0;
    }
    await sign(process, flags.text("status-fd"), args[0] ?? "");
    return 0;
  } catch (error) {
    process.stderr.write(`${timestamp(new Date())} ${failureText(error)}\n`);
    return 1;
  }
}

function parse({ args, stdout }: GpgProcess): ParsedFlags {
  try {
    const parsed = parseFlags(args, FLAGS);
    checkNumber("status-fd", parsed.flags.text("status-fd"));
    return parsed;
  } catch (error) {
    if (error instanceof UsageError) stdout.write(`Incorrect Usage: ${error.message}\n\n${HELP}`);
    throw error;
  }
}

function checkNumber(name: string, value: string): void {
  if (value === "" || /^[+-]?\d+$/.test(value)) return;
  const problem = `strconv.ParseInt: parsing "${value}": invalid syntax`;
  throw new UsageError(`invalid value "${value}" for flag -${name}: ${problem}`);
}

async function sign(process: GpgProcess, statusFd: string, path: string): Promise<void> {
  if (Number(statusFd) !== 2) throw new GpgError("expected --status-fd=2");
  const signer = readSigner(path);
  const content: Uint8Array[] = [];
  for await (const piece of process.stdin) content.push(piece);
  const date = signatureDate(process.environment["GIT_AUTHOR_DATE"]);
  const signature = await signed(signer, Buffer.concat(content), date);
  // Git looks for this.
  process.stderr.write("[GNUPG:] SIG_CREATED ");
  process.stdout.write(signature);
}

function readSigner(path: string): CommitSigner {
  const signer = loadSigner({ signingKeyPath: path, rotatedSigningKeyPaths: [] });
  const reading = `reading signed key file ${path} :`;
  if (signer === undefined) {
    throw new GpgError(`${reading} open file: open : no such file or directory`);
  }
  try {
    signer.publicKey();
    return signer;
  } catch (error) {
    throw new GpgError(`${reading} ${failureText(error)}`, { cause: error });
  }
}

function signatureDate(authorDate: string | undefined): Date {
  if (authorDate === undefined) return new Date();
  try {
    return parseGitDate(authorDate);
  } catch (error) {
    if (!(error instanceof GitDateError)) throw error;
    throw new GpgError(`error parsing GIT_AUTHOR_DATE: ${error.message}`, { cause: error });
  }
}

async function signed(signer: CommitSigner, content: Buffer, date: Date): Promise<Buffer> {
  try {
    return await signer.sign(content, date);
  } catch (error) {
    throw new GpgError(`creating signature: ${failureText(error)}`, { cause: error });
  }
}

function failureText(error: unknown): string {
  const isOurs =
    error instanceof GpgError || error instanceof DomainError || error instanceof UsageError;
  if (isOurs) return error.message;
  return error instanceof Error ? `${error.stack}` : String(error);
}

/** Local time, as `2026/11/22 19:52:49`. */
function timestamp(date: Date): string {
  const two = (number: number): string => String(number).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("/");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${day} ${time}`;
}
