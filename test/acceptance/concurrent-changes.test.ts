import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { suite, type TestContext, test } from "node:test";
import type { DescMessage } from "@bufbuild/protobuf";
import type { ErrorKind } from "../../src/base/error/domain-error.ts";
import {
  OperationService,
  UserCreateTagErrorSchema,
  UserDeleteBranchErrorSchema,
  UserFFBranchErrorSchema,
  UserMergeBranchErrorSchema,
  UserUpdateSubmoduleErrorSchema,
} from "../../src/proto/operations_pb.ts";
import { RefService } from "../../src/proto/ref_pb.ts";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import { openTestRepository } from "../../src/testing/git-repository.ts";
import {
  errorDetail,
  failureOf,
  type OperationServer,
  startOperationServer,
  TEST_USER,
} from "../../src/testing/operation-server.ts";
import { serversMetadata } from "../../src/testing/other-server.ts";
import { type ChangeScene, copyScene, fillScene } from "./change-scene.ts";
import { EVERY_CHANGE } from "./every-change.ts";

/** What the loser of two calls for the same reference is told. */
interface Loss {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly detail?: DescMessage;
}

const EXISTS = "reference update: reference already exists";
const CHANGED = "reference update: reference does not point to expected object";
const GONE = "reference update: exit status 128";

const LOSSES: Readonly<Record<string, Loss>> = {
  userCreateBranch: { kind: "failed-precondition", message: EXISTS },
  userUpdateBranch: {
    kind: "failed-precondition",
    message: "Could not update old. Please refresh and try again.",
  },
  userDeleteBranch: {
    kind: "failed-precondition",
    message: `reference update failed: ${GONE}`,
    detail: UserDeleteBranchErrorSchema,
  },
  userCreateTag: {
    kind: "failed-precondition",
    message: `reference update failed: ${EXISTS}`,
    detail: UserCreateTagErrorSchema,
  },
  userDeleteTag: { kind: "failed-precondition", message: GONE },
  userMergeBranch: {
    kind: "failed-precondition",
    message: CHANGED,
    detail: UserMergeBranchErrorSchema,
  },
  userFFBranch: {
    kind: "failed-precondition",
    message: `update reference with hooks: ${CHANGED}`,
    detail: UserFFBranchErrorSchema,
  },
  userCherryPick: { kind: "internal", message: `update reference with hooks: ${CHANGED}` },
  userRevert: { kind: "internal", message: `update reference with hooks: ${CHANGED}` },
  userCommitFiles: { kind: "failed-precondition", message: CHANGED },
  userRebaseConfirmable: { kind: "internal", message: `updating ref with hooks: ${CHANGED}` },
  userApplyPatch: { kind: "internal", message: `update reference: ${CHANGED}` },
  userUpdateSubmodule: {
    kind: "failed-precondition",
    message: CHANGED,
    detail: UserUpdateSubmoduleErrorSchema,
  },
  resolveConflicts: { kind: "internal", message: CHANGED },
};

interface Stage {
  readonly server: OperationServer;
  readonly scene: ChangeScene;
  readonly templatePath: string;
  /** `held` when GitLab has been asked for the first time; it answers on `release`. */
  readonly gate: EventEmitter;
}

async function setStage(t: TestContext): Promise<Stage> {
  const gate = new EventEmitter();
  let isFirst = true;
  const allowed = async () => {
    if (isFirst) {
      isFirst = false;
      const released = once(gate, "release");
      gate.emit("held");
      await released;
    }
    return { body: '{"status":true}' };
  };
  const server = await startOperationServer(t, { allowed });
  const template = server.repository({ relativePath: "template.git" });
  return { server, gate, scene: fillScene(template, {}), templatePath: template.path };
}

suite("of two changes of the same reference the one that is first wins", () => {
  for (const [name, loss] of Object.entries(LOSSES)) {
    test(name, async (t) => {
      const { server, scene, gate, templatePath } = await setStage(t);
      const change = EVERY_CHANGE[name];
      assert.ok(change !== undefined);
      const path = `${server.storagePath}/target.git`;
      copyScene(templatePath, path);
      const { storageName } = server.repository().address;
      const repository = { storageName, relativePath: "target.git", glRepository: "project-1" };
      const options = { metadata: serversMetadata({ default: server }) };
      const make = (): Promise<unknown> =>
        change.make(server.channel, { repository, user: TEST_USER, scene }, options);
      const refs = (): string[] => openTestRepository(path, "sha1").gitLines(["for-each-ref"]);
      const held = once(gate, "held");
      const late = failureOf(make());
      await held;
      await make();
      const afterFirst = refs();
      gate.emit("release");
      const error = await late;
      assert.ok(error instanceof Error && "kind" in error, String(error));
      assert.deepEqual([error.kind, error.message], [loss.kind, loss.message]);
      if (loss.detail !== undefined) errorDetail(error, loss.detail);
      assert.deepEqual(refs(), afterFirst);
      assert.deepEqual(server.leftovers(), []);
    });
  }
});

suite("of several calls from the same state exactly one wins", () => {
  const cases: Readonly<
    Record<string, (stage: Stage, value: string, number: number) => Promise<unknown>>
  > = {
    writeRef: ({ server, scene }, value) =>
      server.client(RepositoryService).writeRef({
        repository: TARGET,
        ref: Buffer.from("refs/heads/old"),
        revision: Buffer.from(value),
        oldRevision: Buffer.from(scene.base),
      }),
    updateReferences: ({ server, scene }, value) => {
      const oids = { oldObjectId: Buffer.from(scene.base), newObjectId: Buffer.from(value) };
      const updates = [{ reference: Buffer.from("refs/heads/old"), ...oids }];
      return server.client(RefService).updateReferences([{ repository: TARGET, updates }]);
    },
    userMergeToRef: ({ server, scene }, value, number) =>
      server.client(OperationService).userMergeToRef({
        ...{ repository: TARGET, user: TEST_USER, sourceSha: scene.topic },
        message: Buffer.from(String(number)),
        firstParentRef: Buffer.from(value),
        targetRef: Buffer.from("refs/merge-requests/1/merge"),
        expectedOldOid: "0".repeat(40),
      }),
    userRebaseToRef: ({ server, scene }, _value, number) =>
      server.client(OperationService).userRebaseToRef({
        ...{ repository: TARGET, user: TEST_USER, sourceSha: scene.topic },
        firstParentRef: Buffer.from("refs/heads/main"),
        targetRef: Buffer.from("refs/merge-requests/1/train"),
        expectedOldOid: "0".repeat(40),
        timestamp: { seconds: BigInt(number) },
      }),
  };
  for (const [name, call] of Object.entries(cases)) {
    test(name, async (t) => {
      const stage = await setStage(t);
      const { server, scene, templatePath } = stage;
      copyScene(templatePath, `${server.storagePath}/target.git`);
      const values = [scene.main, scene.topic, scene.conflict];
      const outcomes = await Promise.allSettled(
        values.map((value, index) => call(stage, value, index)),
      );
      const won = outcomes.filter(({ status }) => status === "fulfilled");
      assert.equal(won.length, 1, JSON.stringify(outcomes));
      assert.deepEqual(server.leftovers(), []);
    });
  }
});

const TARGET = { storageName: "default", relativePath: "target.git", glRepository: "project-1" };
