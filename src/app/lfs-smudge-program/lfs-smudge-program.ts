import type { Readable, Writable } from "node:stream";
import { DomainError } from "../../base/error/domain-error.ts";
import { silentLogger } from "../../base/log/logger.ts";
import { writeTo } from "../../base/stream/write-to.ts";
import { clientCertificate } from "../../gitlab/client-certificate.ts";
import { LfsObjects } from "../../gitlab/lfs-objects.ts";
import { smudgeSettings } from "../../gitlab/smudge-settings.ts";
import { programVersion } from "../program-version.ts";
import { runFilterProcess } from "./filter-process.ts";
import { POINTER_BYTES_MAX, type SmudgeSource, smudgePointer } from "./smudge-pointer.ts";

export interface LfsSmudgeProgram {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/**
 * The `gitaly-lfs-smudge` executable: git's filter that puts large files in place of the pointers that
 * stand for them, with what GitLab has.
 *
 * @returns the exit status
 */
export async function runLfsSmudgeProgram(program: LfsSmudgeProgram): Promise<number> {
  const { environment, stdin, stdout, stderr } = program;
  if (stdin.isTTY === true) {
    const reason = "This command should be run by the Git 'smudge' filter";
    await writeTo(stdout, Buffer.from(`Cannot read from STDIN. ${reason}\n`));
    return 1;
  }
  try {
    const { driver, glRepository, gitlab, tls } = smudgeSettings(environment);
    await using objects = new LfsObjects({
      settings: gitlab,
      certificate: clientCertificate(tls),
      userAgent: `gitaly-lfs-smudge/${programVersion()}`,
      logger: silentLogger,
    });
    const correlationId = environment["CORRELATION_ID"] ?? "";
    const caller = { correlationId, remoteIp: "", signal: new AbortController().signal };
    const source = { objects, glRepository, caller };
    if (driver === "process") await runFilterProcess({ stdin, stdout }, source);
    else await runFilter(stdin, stdout, source);
    return 0;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    await writeTo(stderr, Buffer.from(`gitaly-lfs-smudge: ${error.message}\n`));
    return 1;
  }
}

/** Replaces one pointer; anything else goes through as it comes. */
async function runFilter(stdin: Readable, stdout: Writable, source: SmudgeSource): Promise<void> {
  let start: Buffer = Buffer.alloc(0);
  const input: AsyncIterator<Buffer> = stdin[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await input.next();
    if (done === true) break;
    start = Buffer.concat([start, value]);
    if (start.length > POINTER_BYTES_MAX) break;
  }
  const object = await smudgePointer(start, source);
  if (object !== undefined) {
    for await (const chunk of object) await writeTo(stdout, chunk);
    return;
  }
  await writeTo(stdout, start);
  for (;;) {
    const { done, value } = await input.next();
    if (done === true) return;
    await writeTo(stdout, value);
  }
}
