import { createHash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { CleanupService } from "../../src/proto/cleanup_pb.ts";
import { ConflictsService } from "../../src/proto/conflicts_pb.ts";
import { OperationService } from "../../src/proto/operations_pb.ts";
import { RefService } from "../../src/proto/ref_pb.ts";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import type { UserSchema } from "../../src/proto/shared_pb.ts";
import type { CallOptions } from "../../src/rpc/client/call-options.ts";
import type { Channel } from "../../src/rpc/client/channel.ts";
import { createClient } from "../../src/rpc/client/client.ts";
import { commitHeader, createFile } from "../../src/testing/commit-actions.ts";
import { collect } from "../../src/testing/repository-errors.ts";
import type { ChangeScene } from "./change-scene.ts";

/** On what, and on whose behalf, a change is made. */
interface Target {
  readonly repository: {
    readonly storageName: string;
    readonly relativePath: string;
    readonly glRepository: string;
  };
  readonly user: MessageInitShape<typeof UserSchema>;
  readonly scene: ChangeScene;
}

/** A call that changes a repository. */
export interface Change {
  make(channel: Channel, target: Target, options: CallOptions): Promise<unknown>;
  /** Objects that no reference leads to may stay, as they do in git: housekeeping prunes them. */
  readonly leavesObjects?: boolean;
  /** The repository is tidied right after the call, however that ended. */
  readonly isTidied?: boolean;
}

const bytes = Buffer.from;
const TIMESTAMP = { seconds: 1_700_000_100n };
const MESSAGE = bytes("message");

const operations = (channel: Channel) => createClient(OperationService, channel);
const repositories = (channel: Channel) => createClient(RepositoryService, channel);

/** One call of each RPC that changes a repository on somebody's behalf; all of them succeed. */
export const EVERY_CHANGE: Readonly<Record<string, Change>> = {
  userCreateBranch: {
    make: (channel, { scene, ...target }, options) => {
      const request = { ...target, branchName: bytes("new"), startPoint: bytes(scene.topic) };
      return operations(channel).userCreateBranch(request, options);
    },
  },
  userUpdateBranch: {
    make: (channel, { scene, ...target }, options) => {
      const { base, topic } = scene;
      const revisions = { oldrev: bytes(base), newrev: bytes(topic) };
      const request = { ...target, branchName: bytes("old"), ...revisions };
      return operations(channel).userUpdateBranch(request, options);
    },
  },
  userDeleteBranch: {
    make: (channel, { scene: _, ...target }, options) =>
      operations(channel).userDeleteBranch({ ...target, branchName: bytes("old") }, options),
  },
  userCreateTag: {
    make: (channel, { scene, ...target }, options) => {
      const tag = { tagName: bytes("v2"), targetRevision: bytes(scene.main), message: MESSAGE };
      return operations(channel).userCreateTag({ ...target, ...tag }, options);
    },
  },
  userDeleteTag: {
    make: (channel, { scene: _, ...target }, options) =>
      operations(channel).userDeleteTag({ ...target, tagName: bytes("v1") }, options),
  },
  userMergeToRef: {
    leavesObjects: true,
    make: (channel, { scene, ...target }, options) => {
      const refs = {
        targetRef: bytes("refs/merge-requests/1/merge"),
        firstParentRef: bytes("main"),
      };
      const request = { ...target, ...refs, sourceSha: scene.topic, message: MESSAGE };
      return operations(channel).userMergeToRef(request, options);
    },
  },
  userRebaseToRef: {
    leavesObjects: true,
    make: (channel, { scene, ...target }, options) => {
      const refs = {
        targetRef: bytes("refs/merge-requests/1/train"),
        firstParentRef: bytes("main"),
      };
      const request = { ...target, ...refs, sourceSha: scene.topic };
      return operations(channel).userRebaseToRef(request, options);
    },
  },
  userMergeBranch: {
    make: (channel, { scene, ...target }, options) => {
      const what = { commitId: scene.topic, branch: bytes("main"), message: MESSAGE };
      const requests = [{ ...target, ...what }, { apply: true }];
      return collect(operations(channel).userMergeBranch(requests, options));
    },
  },
  userFFBranch: {
    make: (channel, { scene, ...target }, options) => {
      const request = { ...target, branch: bytes("old"), commitId: scene.topic };
      return operations(channel).userFFBranch(request, options);
    },
  },
  userCherryPick: {
    make: (channel, { scene, ...target }, options) => {
      const what = { commit: { id: scene.topic }, branchName: bytes("main"), message: MESSAGE };
      return operations(channel).userCherryPick({ ...target, ...what }, options);
    },
  },
  userRevert: {
    make: (channel, { scene, ...target }, options) => {
      const what = { commit: { id: scene.main }, branchName: bytes("main"), message: MESSAGE };
      return operations(channel).userRevert({ ...target, ...what }, options);
    },
  },
  userCommitFiles: {
    make: (channel, { scene: _, ...target }, options) => {
      const head = commitHeader({ ...target, branchName: bytes("main"), commitMessage: MESSAGE });
      return operations(channel).userCommitFiles([head, ...createFile("new.txt", "n")], options);
    },
  },
  userRebaseConfirmable: {
    make: (channel, { scene, ...target }, options) => {
      const remote = { remoteRepository: target.repository, remoteBranch: bytes("main") };
      const value = { ...target, ...remote, branch: bytes("topic"), branchSha: scene.topic };
      const payloads = [
        { case: "header", value } as const,
        { case: "apply", value: true } as const,
      ];
      const requests = payloads.map((payload) => ({
        userRebaseConfirmableRequestPayload: payload,
      }));
      return collect(operations(channel).userRebaseConfirmable(requests, options));
    },
  },
  userSquash: {
    leavesObjects: true,
    make: (channel, { scene, ...target }, options) => {
      const author = { name: bytes("Author"), email: bytes("author@example.com") };
      const range = { startSha: scene.main, endSha: scene.topic };
      const request = { ...target, ...range, author, commitMessage: MESSAGE };
      return operations(channel).userSquash(request, options);
    },
  },
  userApplyPatch: {
    leavesObjects: true,
    make: (channel, { scene, ...target }, options) => {
      const value = { ...target, targetBranch: bytes("main"), timestamp: TIMESTAMP };
      const payloads = [
        { case: "header", value } as const,
        { case: "patches", value: scene.patch } as const,
      ];
      const requests = payloads.map((payload) => ({ userApplyPatchRequestPayload: payload }));
      return operations(channel).userApplyPatch(requests, options);
    },
  },
  userUpdateSubmodule: {
    make: (channel, { scene: _, ...target }, options) => {
      const what = { submodule: bytes("sub"), commitSha: "2".repeat(40), commitMessage: MESSAGE };
      const request = { ...target, ...what, branch: bytes("main") };
      return operations(channel).userUpdateSubmodule(request, options);
    },
  },
  resolveConflicts: {
    make: (channel, { repository, user, scene }, options) => {
      const value = {
        ...{ repository, targetRepository: repository, user, commitMessage: MESSAGE },
        ...{ ourCommitOid: scene.main, theirCommitOid: scene.conflict },
        ...{ sourceBranch: bytes("main"), targetBranch: bytes("conflict") },
      };
      const section = `${createHash("sha1").update("a.txt").digest("hex")}_1_1`;
      const file = { old_path: "a.txt", new_path: "a.txt", sections: { [section]: "head" } };
      const payloads = [
        { case: "header", value } as const,
        { case: "filesJson", value: bytes(JSON.stringify([file])) } as const,
      ];
      const requests = payloads.map((payload) => ({ resolveConflictsRequestPayload: payload }));
      return createClient(ConflictsService, channel).resolveConflicts(requests, options);
    },
  },
  applyBfgObjectMapStream: {
    make: (channel, { repository, scene }, options) => {
      const map = `${"old".padEnd(40)} new\n${scene.topic} ${scene.main}\n`;
      const requests = [{ repository, objectMap: bytes(map) }];
      const client = createClient(CleanupService, channel);
      return collect(client.applyBfgObjectMapStream(requests, options));
    },
  },
  rewriteHistory: {
    isTidied: true,
    make: (channel, { repository }, options) => {
      const requests = [{ repository }, { redactions: [bytes("theirs==>nobody's")] }];
      return createClient(CleanupService, channel).rewriteHistory(requests, options);
    },
  },
  writeRef: {
    make: (channel, { repository, scene }, options) => {
      const request = { repository, ref: bytes("refs/heads/old"), revision: bytes(scene.topic) };
      return repositories(channel).writeRef(request, options);
    },
  },
  deleteRefs: {
    make: (channel, { repository }, options) => {
      const refs = ["refs/heads/old", "refs/tags/v1"].map((ref) => bytes(ref));
      return createClient(RefService, channel).deleteRefs({ repository, refs }, options);
    },
  },
  updateReferences: {
    make: (channel, { repository, scene }, options) => {
      const oids = { oldObjectId: bytes(scene.base), newObjectId: bytes(scene.topic) };
      const updates = [{ reference: bytes("refs/heads/old"), ...oids }];
      const client = createClient(RefService, channel);
      return client.updateReferences([{ repository, updates }], options);
    },
  },
  setCustomHooks: {
    make: (channel, { repository, scene }, options) =>
      repositories(channel).setCustomHooks([{ repository, data: scene.hooks }], options),
  },
  fetchBundle: {
    leavesObjects: true,
    make: (channel, { repository, scene }, options) => {
      const requests = [{ repository, data: scene.bundle }];
      return repositories(channel).fetchBundle(requests, options);
    },
  },
  fetchSourceBranch: {
    leavesObjects: true,
    make: (channel, { repository }, options) => {
      const source = { ...repository, relativePath: "source.git" };
      const refs = { sourceBranch: bytes("refs/heads/main"), targetRef: bytes("refs/tmp/fetched") };
      const request = { repository, sourceRepository: source, ...refs };
      return repositories(channel).fetchSourceBranch(request, options);
    },
  },
};
