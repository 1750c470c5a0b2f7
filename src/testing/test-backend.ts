import type { Writable } from "node:stream";
import type { Body, GitBackend, Streams, TransferRequest } from "../gateway/backend/git-backend.ts";

/** A stand-in for a Gitaly server that notes what the doors ask of it. */
export interface TestBackend extends GitBackend {
  /** What was asked, in order: `upload-pack a.git user-1`. */
  readonly asked: string[];
}

/**
 * Answers every question: bodies and streams come back as they are. What `changes` holds is done
 * instead.
 */
export function testBackend(changes: Partial<GitBackend> = {}): TestBackend {
  const asked: string[] = [];
  const note = (what: string, { repository, identity }: TransferRequest): void => {
    asked.push(`${what} ${repository.relativePath} ${identity.id}`);
  };
  const serve = (what: string) => async (request: TransferRequest, body: Body) => {
    note(what, request);
    await echo(body.input, body.output);
  };
  const run = (what: string) => async (request: TransferRequest, streams: Streams) => {
    note(what, request);
    await echo(streams.input, streams.output);
    return 0;
  };
  return {
    asked,
    infoRefs: async function* (service, request) {
      note(`info-refs ${service}`, request);
      yield Buffer.from(`refs ${request.gitProtocol}`);
    },
    postUploadPack: serve("upload-pack"),
    postReceivePack: serve("receive-pack"),
    sshUploadPack: run("ssh upload-pack"),
    sshReceivePack: run("ssh receive-pack"),
    sshUploadArchive: run("ssh upload-archive"),
    repositoryExists: async ({ relativePath }) => {
      asked.push(`exists ${relativePath}`);
      return false;
    },
    createRepository: async ({ relativePath }) => {
      asked.push(`create ${relativePath}`);
    },
    ...changes,
  };
}

async function echo(input: AsyncIterable<Uint8Array>, output: Writable): Promise<void> {
  for await (const chunk of input) output.write(chunk);
}
