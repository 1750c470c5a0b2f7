import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DrillFinding } from "./drill.ts";

/** Programs that git may start before or after something, by the names of their hooks. */
const HOOKS = [
  ..."pre-receive update post-receive post-update reference-transaction proc-receive".split(" "),
  ..."pre-auto-gc pre-push push-to-checkout post-index-change pre-commit commit-msg".split(" "),
  ..."prepare-commit-msg post-commit post-checkout post-merge post-rewrite pre-rebase".split(" "),
  ..."applypatch-msg pre-applypatch post-applypatch pre-merge-commit fsmonitor-watchman".split(" "),
];

/** Keys whose value git runs, or hands to a shell. */
const COMMAND_KEYS = [
  ..."core.fsmonitor core.sshCommand core.gitProxy core.pager core.editor core.askPass".split(" "),
  ..."core.alternateRefsCommand credential.helper uploadpack.packObjectsHook".split(" "),
  ..."filter.evil.clean filter.evil.smudge filter.evil.process diff.evil.textconv".split(" "),
  ..."diff.evil.command diff.external merge.evil.driver tar.tar.gz.command".split(" "),
  ..."tar.evil.command gpg.program gpg.ssh.program gpg.x509.program".split(" "),
  ..."gpg.ssh.defaultKeyCommand sequence.editor trailer.evil.command trailer.evil.cmd".split(" "),
  ..."interactive.diffFilter sendemail.smtpServer alias.log alias.upload-pack".split(" "),
  ..."remote.origin.uploadpack remote.origin.receivepack browser.evil.cmd".split(" "),
  ..."maintenance.evil.command pager.log pager.diff".split(" "),
  ...HOOKS.map((name) => `hook.evil-${name}.command`),
];

const SETTINGS: readonly (readonly [key: string, value: string])[] = [
  ["filter.evil.required", "true"],
  ["merge.default", "evil"],
  ["protocol.ext.allow", "always"],
  ["protocol.allow", "always"],
  ["commit.gpgSign", "true"],
  ["push.gpgSign", "if-asked"],
  ["receive.procReceiveRefs", "refs"],
  ["log.showSignature", "true"],
  ...HOOKS.map((name) => [`hook.evil-${name}.event`, name] as const),
];

/** What a repository has whose configuration was written by an attacker. */
export interface Trap {
  /** How many ways there are to fall into it. */
  readonly triggerCount: number;
  /** Notes which programs have been run since the last time, and by what. */
  inspect(cause: string): void;
  /** Fails with a finding if any was noted. */
  expectUntouched(): void;
}

/** Writes the configuration into a repository; `folder` takes the programs and what they leave. */
export function setTrap(repository: string, folder: string): Trap {
  const programs = join(folder, "programs");
  const traces = join(folder, "traces");
  for (const path of [programs, traces]) mkdirSync(path);
  const program = (name: string): string => {
    const path = join(programs, name);
    writeFileSync(path, `#!/bin/sh\ntouch '${join(traces, name)}'\nexit 0\n`);
    chmodSync(path, 0o755);
    return path;
  };
  for (const name of HOOKS) program(name);
  const included = join(folder, "included");
  writeFileSync(included, section("core.sshCommand", program("included")));
  const config = [
    ...COMMAND_KEYS.map((key) => section(key, program(key))),
    ...SETTINGS.map(([key, value]) => section(key, value)),
    section("core.hooksPath", programs),
    section("include.path", included),
    section(`url.ext::${program("instead-of")} .insteadOf`, "http://"),
  ];
  // Later lines win: what makes the repository one stays as it is.
  writeFileSync(join(repository, "config"), config.join(""), { flag: "a" });
  mkdirSync(join(repository, "info"), { recursive: true });
  writeFileSync(
    join(repository, "info", "attributes"),
    "* filter=evil diff=evil merge=evil textconv=evil\n",
  );
  plantHooks(repository, program);
  const findings: string[] = [];
  return {
    triggerCount: HOOKS.length * 2 + COMMAND_KEYS.length + 2,
    inspect: (cause) => {
      for (const name of readdirSync(traces)) {
        findings.push(`${name} by ${cause}`);
        rmSync(join(traces, name));
      }
    },
    expectUntouched: () => {
      if (findings.length === 0) return;
      throw new DrillFinding(`run from configuration: ${findings.join(", ")}`);
    },
  };
}

function plantHooks(repository: string, program: (name: string) => string): void {
  const hooks = join(repository, "hooks");
  mkdirSync(hooks, { recursive: true });
  for (const name of HOOKS) {
    const hook = join(hooks, name);
    writeFileSync(hook, `#!/bin/sh\nexec '${program(`hooks-${name}`)}'\n`);
    chmodSync(hook, 0o755);
  }
}

/** A key and its value as lines of a configuration file. */
function section(key: string, value: string): string {
  const first = key.indexOf(".");
  const last = key.lastIndexOf(".");
  const subsection = first === last ? "" : ` "${key.slice(first + 1, last)}"`;
  return `[${key.slice(0, first)}${subsection}]\n\t${key.slice(last + 1)} = ${value}\n`;
}
