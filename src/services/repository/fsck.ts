import type { Readable } from "node:stream";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";

type Needs = { readonly locator: RepositoryLocator; readonly git: GitRunner };
type Fsck = Handler<typeof RepositoryService.method.fsck>;

/** What is kept of each stream of git's output; more wouldn't fit into a reply. */
const OUTPUT_BYTES_MAX = 2 * 1024 * 1024;

/** Checks a repository; when something is wrong with it, the reply says what git says. */
export function fsck({ locator, git }: Needs): Fsck {
  return async (request, call) => {
    const located = locateRepository(locator, request.repository);
    const flags = ["--no-progress", "--no-dangling", ...(request.repoOnly ? ["--no-full"] : [])];
    const options = { ...gitCall(call), stderr: "stream" } as const;
    await using process = await git.start(located, { name: "fsck", flags }, options);
    const [stderr, stdout] = await Promise.all([
      collectStart(process.stderr),
      collectStart(process.stdout),
    ]);
    const { exitCode } = await process.exited;
    call.signal.throwIfAborted();
    // Git writes complaints at once, and what it has found when its buffer is full or at its end.
    return exitCode === 0 ? {} : { error: Buffer.concat([stderr, stdout]) };
  };
}

async function collectStart(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let room = OUTPUT_BYTES_MAX;
  const bytes: AsyncIterable<Buffer> = stream;
  for await (const chunk of bytes) {
    if (room > 0) chunks.push(chunk.subarray(0, room));
    room -= chunk.length;
  }
  return Buffer.concat(chunks);
}
