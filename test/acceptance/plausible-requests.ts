import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { BackupService } from "../../src/proto/backup_pb.ts";
import { RaftService } from "../../src/proto/cluster_pb.ts";
import { InternalGitaly } from "../../src/proto/internal_pb.ts";
import { ObjectPoolService } from "../../src/proto/objectpool_pb.ts";
import { PartitionService } from "../../src/proto/partition_pb.ts";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import { RefTransaction } from "../../src/proto/transaction_pb.ts";
import { changeFiles } from "../../src/testing/change-files.ts";
import type { TestRepository } from "../../src/testing/git-repository.ts";
import { DRILLED_METHODS, RequestMaker } from "../drills/every-rpc.ts";

const FURTHER_SERVICES = [
  ...[BackupService, InternalGitaly, PartitionService, RaftService, RefTransaction],
  ...[ObjectPoolService, RepositoryService],
];

/** All RPCs but ListPoolUpstreams, which answers what GitLab does. */
export const REQUESTED_METHODS: readonly DescMethod[] = [
  ...new Set([...DRILLED_METHODS, ...FURTHER_SERVICES.flatMap(({ methods }) => methods)]),
].filter(({ name }) => name !== "ListPoolUpstreams");

/** Puts into an empty repository what the requests speak of; the same commits every time. */
export function fillRepository(repository: TestRepository): void {
  for (const count of [1, 2, 3]) {
    changeFiles(repository, { [`file-${count}`]: `content ${count}\n`, "file-1": `${count}` });
  }
  const side = { ref: "refs/heads/side" };
  repository.git(["update-ref", side.ref, OLD]);
  repository.git(["update-ref", "refs/tags/old", OLD]);
  changeFiles(repository, { "file-2": "side\n" }, side);
  changeFiles(repository, { "file-2": "side\n", sub: { mode: "160000", content: TIP } }, side);
  repository.git(["repack", "-adq"]);
}

/** The commit of `main`, the one before it, and the one that `side` has made of that. */
const TIP = "c527137cb8b2f5cde6f0d009a59928947b62f35a";
const OLD = "0dd88e1e81452313007025f864caed7cee51c226";
const SIDE = "0b90f19c5d3b15cc6a1592b166a6a928a2bb4870";
const BLOBS = [
  "e440e5c842586965a7fb77deda2eca68612b1f53",
  "4d4bc1c77f63bd5429cb0ab4d74cb8729570d293",
] as const;

type Values = Readonly<Record<string, unknown>>;

const bytes = (text: string): Buffer => Buffer.from(text);
const ADDRESS = { storageName: "default", relativePath: "drill.git", glRepository: "project-1" };
const NEW = { ...ADDRESS, relativePath: "new.git" };
const POOL = { ...ADDRESS, relativePath: `@pools/aa/bb/aabb${"0".repeat(60)}.git` };
const FIRST_PAGE = { paginationParams: { pageToken: "" } };
const NO_URL = { url: "http://127.0.0.1:1/none.git", resolvedAddress: "" };

/** What requests of single RPCs have in place of what the names of their fields suggest. */
const SPECIAL: Readonly<Record<string, Values>> = {
  CheckBlobsGenerated: { blobs: [{ revision: bytes(BLOBS[0]), path: bytes("file-1") }] },
  GetLFSPointers: { blobIds: BLOBS },
  // The program that it runs need not be there.
  RewriteHistory: { blobs: ["text"], redactions: [] },
  CountDivergingCommits: { from: bytes(OLD), to: bytes(TIP) },
  GetTreeEntries: { path: bytes("."), ...FIRST_PAGE },
  ListFiles: FIRST_PAGE,
  RawBlame: { range: bytes("1,1") },
  GetPatchID: { oldRevision: bytes(OLD) },
  CommitDiff: { leftCommitId: OLD },
  CommitDelta: { leftCommitId: OLD },
  DiffStats: { leftCommitId: OLD },
  RawDiff: { leftCommitId: OLD },
  RawPatch: { leftCommitId: OLD },
  RangeDiff: { rangeSpec: { value: { range1: `${OLD}..${TIP}`, range2: `${OLD}..${SIDE}` } } },
  RawRangeDiff: { rangeSpec: { value: { range1: `${OLD}..${TIP}`, range2: `${OLD}..${SIDE}` } } },
  DiffBlobs: {
    rawInfo: [],
    blobPairs: [{ leftBlob: bytes(BLOBS[0]), rightBlob: bytes(BLOBS[1]) }],
  },
  CreateObjectPool: { objectPool: { repository: POOL } },
  LinkRepositoryToObjectPool: { objectPool: { repository: POOL } },
  FetchIntoObjectPool: { objectPool: { repository: POOL } },
  DeleteObjectPool: { objectPool: { repository: POOL } },
  UserCreateBranch: { branchName: bytes("new") },
  UserUpdateBranch: { newrev: bytes(SIDE), oldrev: bytes(TIP) },
  UserDeleteBranch: { branchName: bytes("side"), expectedOldOid: SIDE },
  UserCreateTag: { tagName: bytes("new") },
  UserDeleteTag: { tagName: bytes("old"), expectedOldOid: OLD },
  UserMergeToRef: {
    ...{ sourceSha: SIDE, targetRef: bytes("refs/merge-requests/1/merge"), expectedOldOid: "" },
    firstParentRef: bytes("refs/heads/main"),
  },
  UserRebaseToRef: {
    ...{ sourceSha: SIDE, targetRef: bytes("refs/merge-requests/1/train"), expectedOldOid: "" },
    firstParentRef: bytes("refs/heads/main"),
  },
  UserMergeBranch: { apply: false, commitId: SIDE, expectedOldOid: "" },
  UserFFBranch: { branch: bytes("main"), commitId: TIP, expectedOldOid: "" },
  UserCherryPick: { ...{ commit: { id: SIDE }, startRepository: undefined }, expectedOldOid: "" },
  UserRevert: { ...{ commit: { id: TIP }, startRepository: undefined }, expectedOldOid: "" },
  UserSquash: { startSha: OLD, endSha: SIDE },
  UserRebaseConfirmable: {
    userRebaseConfirmableRequestPayload: {
      value: { ...{ branch: bytes("side"), branchSha: SIDE }, remoteBranch: bytes("main") },
    },
  },
  UserUpdateSubmodule: {
    branch: bytes("side"),
    submodule: bytes("sub"),
    commitSha: OLD,
    expectedOldOid: "",
  },
  FindLocalBranches: { excludePatterns: ["refs/heads/old"].map(bytes), ...FIRST_PAGE },
  FindAllTags: FIRST_PAGE,
  FindTag: { tagName: bytes("old") },
  ListRefs: { excludePatterns: ["refs/heads/old"].map(bytes), ...FIRST_PAGE },
  UpdateReferences: {
    updates: [
      {
        ...{ reference: bytes("refs/heads/main"), oldObjectId: bytes(TIP) },
        newObjectId: bytes(SIDE),
      },
    ],
  },
  UpdateRemoteMirror: { remote: NO_URL },
  FindRemoteRootRef: { remoteUrl: NO_URL.url, resolvedAddress: "" },
  FetchRemote: { remoteParams: NO_URL },
  FindMergeBase: { revisions: [TIP, SIDE].map(bytes) },
  CreateFork: { repository: NEW, revision: bytes("refs/heads/main") },
  CreateRepository: { repository: NEW },
  CreateRepositoryFromURL: { repository: NEW, ...NO_URL },
  CreateRepositoryFromBundle: { repository: NEW },
  CreateRepositoryFromSnapshot: { repository: NEW, httpUrl: NO_URL.url, resolvedAddress: "" },
  CreateBundleFromRefList: { patterns: ["refs/heads/main"].map(bytes) },
  GetObjectDirectorySize: { repository: { gitObjectDirectory: "objects" } },
  PostReceivePack: { data: bytes("") },
  SSHReceivePack: { stdin: bytes("") },
  SSHUploadArchive: { stdin: bytes("") },
  WriteRef: { ref: bytes("refs/heads/main"), revision: bytes(SIDE), oldRevision: bytes(TIP) },
  FetchSourceBranch: { sourceBranch: bytes("refs/heads/side") },
};

/** A request to `method` that could be accepted, for a repository filled by `fillRepository`. */
export function requestsOf(method: DescMethod): Message[] {
  const [first, ...rest] = new RequestMaker(TIP).make(method).messages;
  if (first === undefined) return rest;
  const values = merged(plain(first), SPECIAL[method.name] ?? {});
  return [create(method.input, asObject(values)), ...rest];
}

function merged(value: unknown, change: unknown): unknown {
  if (!isPlain(change) || !isPlain(value)) return change;
  const names = new Set([...Object.keys(value), ...Object.keys(change)]);
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      name in change ? merged(value[name], change[name]) : value[name],
    ]),
  );
}

/** The message as what messages are made from. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isPlain(value)) return value;
  const entries = Object.entries(value).filter(([name]) => !name.startsWith("$"));
  return Object.fromEntries(entries.map(([name, inner]) => [name, plain(inner)]));
}

function asObject(value: unknown): Record<string, unknown> {
  return isPlain(value) ? { ...value } : {};
}

function isPlain(value: unknown): value is Record<string, unknown> {
  const isObject = typeof value === "object" && value !== null;
  return isObject && !Array.isArray(value) && !(value instanceof Uint8Array);
}
