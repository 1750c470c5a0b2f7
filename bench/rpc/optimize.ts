import {
  RepositoryService,
  type OptimizeRepositoryRequest_Strategy as Strategy,
} from "../../src/proto/repository_pb.ts";
import type { Channel } from "../../src/rpc/client/channel.ts";
import { createClient } from "../../src/rpc/client/client.ts";
import type { RepositoryName } from "./bench-case.ts";

/** Has a server tidy a repository; waits while it does so by itself. */
export async function optimizeRepository(
  channel: Channel,
  repository: RepositoryName,
  strategy: Strategy,
): Promise<void> {
  const client = createClient(RepositoryService, channel);
  for (;;) {
    try {
      await client.optimizeRepository({ repository, strategy });
      return;
    } catch (error) {
      const isBusy = error instanceof Error && error.message.includes("already executing");
      if (!isBusy) throw error;
    }
  }
}
