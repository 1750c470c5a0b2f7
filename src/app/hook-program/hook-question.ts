import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HooksPayload } from "../../hooks/payload/hooks-payload.ts";
import type { HookService } from "../../proto/hook_pb.ts";
import type { RepositorySchema } from "../../proto/shared_pb.ts";
import type { Client } from "../../rpc/client/client.ts";
import type { OutgoingMetadata } from "../../rpc/client/metadata.ts";
import type { HookProcess } from "./hook-process.ts";

/** One question to the server that has started git. */
export interface HookQuestion {
  readonly client: Client<typeof HookService>;
  readonly payload: HooksPayload;
  /** Goes with every call. */
  readonly metadata: OutgoingMetadata;
  readonly process: HookProcess;
}

/** What requests say first: where git runs, and all that git has told the process. */
export function questionFields({ payload, process }: HookQuestion): {
  readonly repository: MessageInitShape<typeof RepositorySchema>;
  readonly environmentVariables: string[];
} {
  const { gitAlternateObjectDirectories: alternates = [], ...repository } = payload.repository;
  return {
    repository: { ...repository, gitAlternateObjectDirectories: [...alternates] },
    environmentVariables: Object.entries(process.environment).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${value}`],
    ),
  };
}
