import { execFileSync } from "node:child_process";
import { DrillFinding } from "./drill.ts";

/** A program that was started. */
interface Execution {
  readonly path: string;
  readonly args: readonly string[];
  readonly environment: readonly string[];
}

/** The command that writes down every program that another command starts, in the file `log`. */
export function auditPrefix(log: string): readonly string[] {
  const flags = ["-D", "-f", "-qq", "--seccomp-bpf", "-v", "-s", "4096", "-e", "trace=execve"];
  return ["strace", ...flags, "-e", "signal=none", "-o", log];
}

/** Why programs can't be watched here; undefined if they can. */
export function auditObstacle(): string | undefined {
  try {
    execFileSync("strace", ["-f", "--seccomp-bpf", "-e", "trace=execve", "true"], {
      stdio: "pipe",
    });
    return undefined;
  } catch {
    return "no strace, or not allowed to trace";
  }
}

/** Every text that is planted has it, and nothing else. */
export const MARK = "injected7c1";

const FLAGS: readonly string[] = [
  ..."-x -o --exec= --output= --upload-pack= --receive-pack= -u --config-env=".split(" "),
  ..."--open-files-in-pager= --textconv= --ext-diff= --help --work-tree= --git-dir=".split(" "),
];

/** Texts that do something when they reach a shell, an option, a header or a variable. */
export function payloads(canary: string): readonly string[] {
  return FLAGS.map((flag) => `${flag}${MARK}`).concat([
    `--upload-pack=touch ${canary};${MARK}`,
    `;touch ${canary};${MARK}`,
    `$(touch ${canary})${MARK}`,
    `\`touch ${canary}\`${MARK}`,
    `|touch ${canary} #${MARK}`,
    `'; touch ${canary}; '${MARK}`,
    `"; touch ${canary}; "${MARK}`,
    `&& touch ${canary} ${MARK}`,
    `x\n-${MARK}`,
    `x\nGIT_SSH_COMMAND=${MARK}`,
    `x\r\nX-Evil: ${MARK}`,
    `x\0-${MARK}`,
    `x%0a--${MARK}`,
    `%2e%2e%2f${MARK}`,
    `../../${MARK}`,
    `ext::sh -c touch% ${canary}% ${MARK}`,
    `core.sshCommand=touch ${canary} ${MARK}`,
    `@{-1}${MARK}`,
    `:(exclude)${MARK}`,
  ]);
}

/** How git itself hands a path to a shell, all of it in quotes. */
const QUOTED = /^git-(?:upload|receive)-pack '(?:[^'!]|'\\['!]')*'(?: "\$@")?$/;

/** Fails with a finding if something planted has become more than a value; counts programs. */
export function expectHarmless(log: string): number {
  const executions = log.split("\n").flatMap(parseExecution);
  for (const { path, args, environment } of executions) {
    const shown = args.filter((word) => word.includes(MARK) && !QUOTED.test(word)).join(" ");
    if (path.includes(MARK)) throw new DrillFinding(`a program was named: ${path}`);
    if (/\/(ba|da|z)?sh$/.test(path) && shown !== "") {
      throw new DrillFinding(`a shell got: ${shown}`);
    }
    const option = plantedOption(args);
    if (option !== undefined) throw new DrillFinding(`an option was planted: ${args.join(" ")}`);
    const variable = environment.find((entry) => plantedVariable(entry));
    if (variable !== undefined) throw new DrillFinding(`a variable was planted: ${variable}`);
  }
  return executions.length;
}

/** A word that is an option as it was planted, where options are read. */
function plantedOption(args: readonly string[]): string | undefined {
  const end = args.findIndex((word) => word === "--" || word === "--end-of-options");
  const options = end === -1 ? args : args.slice(0, end);
  return options.find(
    (word, index) =>
      FLAGS.some((flag) => word.startsWith(`${flag}${MARK}`)) &&
      !TAKES_VALUE.has(args[index - 1] ?? ""),
  );
}

/** Options after which a word is a value, whatever it starts with. */
const TAKES_VALUE: ReadonlySet<string> = new Set(
  "-e -m -c --path --grep --author --before --after --points-at --sort --contains --source".split(
    " ",
  ),
);

function plantedVariable(entry: string): boolean {
  const name = entry.split("=", 1)[0] ?? "";
  return name.includes(MARK) || entry === `GIT_SSH_COMMAND=${MARK}`;
}

function parseExecution(line: string): Execution[] {
  const match = /execve\("((?:[^"\\]|\\.)*)", \[(.*?)\], \[(.*)\]\)/.exec(line);
  if (match === null) return [];
  const [, path = "", args = "", environment = ""] = match;
  return [{ path: unquote(path), args: words(args), environment: words(environment) }];
}

function words(list: string): string[] {
  return [...list.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) => unquote(text));
}

function unquote(text: string): string {
  return text.replace(/\\([0-7]{1,3}|.)/g, (_, code: string) => {
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8));
    return { n: "\n", r: "\r", t: "\t", v: "\v", f: "\f" }[code] ?? code;
  });
}
