import type { Oid } from "../../git/oid/oid.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import type { Operation } from "./operation.ts";

/** Fails as git does when what shall be a commit's parent is no commit: a tag can be merged only. */
export function checkParent({ repository }: Operation, parent: Oid): void {
  if (repository.objects.header(parent)?.type === "commit") return;
  const problem = `fatal: ${parent} is not a valid 'commit' object\n`;
  throw new RpcError("unknown", `commit-tree: exit status 128: ${problem} `);
}
