import { posix } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ObjectDatabase } from "../../git/object/object-database.ts";
import { peelToTree } from "../../git/object/peel.ts";
import { isTreeMode, treeEntries } from "../../git/object/tree-object.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromBytes, binaryFromText, textFromBinary } from "../../git/ref/binary-string.ts";
import { HEAD } from "../../git/ref/ref-name.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { FindLicenseResponseSchema, RepositoryService } from "../../proto/repository_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { lazyGitCall } from "../common/git-call.ts";
import {
  type OpenedRepository,
  openRepository,
  type ReadNeeds,
} from "../common/open-repository.ts";
import { readObject } from "../common/read-commit.ts";
import { findObject, type RevisionNeeds } from "../common/resolve-revision.ts";
import { isCanonicalLicenseFile, isLicenseFile } from "./license-file.ts";
import { type LicenseIndex, type LicenseMatch, loadLicenseIndex } from "./license-index.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type FindLicense = Handler<typeof RepositoryService.method.findLicense>;
type Reply = MessageInitShape<typeof FindLicenseResponseSchema>;

/** Commits whose license is remembered. */
const COMMITS_MAX = 100;

/** No license is longer. */
const FILE_BYTES_MAX = 1024 * 1024;

/** Files of one commit that are looked at. */
const FILES_MAX = 100;

/** A shorter file may hold the path of the one with the license. */
const POINTER_BYTES_MAX = 128;

const NICKNAMES: Readonly<Record<string, string>> = {
  "agpl-3.0": "GNU AGPLv3",
  "bsd-3-clause-clear": "Clear BSD",
  "gpl-2.0": "GNU GPLv2",
  "gpl-3.0": "GNU GPLv3",
  "lgpl-2.1": "GNU LGPLv2.1",
  "lgpl-3.0": "GNU LGPLv3",
  ncsa: "UIUC/NCSA",
  "odbl-1.0": "ODbL",
};

/** Finds out under which license a project is, from the files in the root of its default branch. */
export function findLicense(needs: Needs): FindLicense {
  const known = new Map<Oid, Reply>();
  let index: LicenseIndex | undefined;
  return async (request, call) => {
    const repository = openRepository(needs, request.repository, call);
    const commit = repository.refs.findOid(HEAD);
    if (commit === undefined) return {};
    const remembered = known.get(commit);
    if (remembered !== undefined) return remembered;
    try {
      const files = await readFiles(repository, commit, needs.git, call);
      if (files.length > 0) index ??= await loadLicenseIndex(call.signal);
      const reply = await detect(files, index, call.signal);
      if (known.size >= COMMITS_MAX) known.delete(known.keys().next().value ?? commit);
      known.set(commit, reply);
      return reply;
    } catch (error) {
      throw wrapError("internal", "detect licenses", error);
    }
  };
}

interface LicenseFile {
  /** The file whose name promised a license. */
  readonly found: string;
  /** Where the text is. */
  readonly path: string;
  readonly text: string;
}

async function readFiles(
  repository: OpenedRepository,
  commit: Oid,
  git: GitRunner,
  call: Call,
): Promise<LicenseFile[]> {
  const { objects } = repository;
  const tree = peelToTree(objects, commit);
  const root = tree && (await readObject(objects, tree, call.signal));
  const entries = treeEntries(root?.content ?? Buffer.alloc(0), objects.format);
  const files: LicenseFile[] = [];
  for (const { name, mode, oid } of entries) {
    const found = textFromBinary(binaryFromBytes(name));
    if (isTreeMode(mode) || !isLicenseFile(found)) continue;
    const content = await readBlob(objects, oid, call.signal);
    if (content === undefined) continue;
    const text = content.toString();
    const target = content.length < POINTER_BYTES_MAX ? text.trim() : "";
    const ask = { git, gitCall: lazyGitCall(call) };
    const pointed = await findTarget(repository, commit, target, ask);
    const real = pointed && (await readBlob(objects, pointed, call.signal));
    if (real === undefined) files.push({ found, path: found, text });
    else files.push({ found, path: target, text: real.toString() });
    if (files.length >= FILES_MAX) break;
  }
  return files;
}

async function findTarget(
  repository: OpenedRepository,
  commit: Oid,
  path: string,
  ask: RevisionNeeds,
): Promise<Oid | undefined> {
  if (path === "" || path.includes("\0")) return undefined;
  return findObject(repository, `${commit}:${binaryFromText(path)}`, ask);
}

async function readBlob(
  objects: ObjectDatabase,
  oid: Oid,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const header = objects.header(oid);
  if (header?.type !== "blob" || header.size > FILE_BYTES_MAX) return undefined;
  return (await readObject(objects, oid, signal))?.content;
}

type FileMatch = LicenseMatch & { readonly path: string };

async function detect(
  files: readonly LicenseFile[],
  index: LicenseIndex | undefined,
  signal: AbortSignal,
): Promise<Reply> {
  const [first] = files;
  if (first === undefined || index === undefined) return {};
  const matches: FileMatch[] = [];
  for (const { path, text } of files) {
    const plain = posix.extname(path) === ".html" ? text.replace(/<[^<>]*>/g, " ") : text;
    for (const match of await index.match(plain, signal)) matches.push({ ...match, path });
  }
  const [best] = matches.sort(compareMatches);
  if (best === undefined) {
    // There is some license, if none that we know.
    return {
      licenseName: "Other",
      licenseShortName: "other",
      licenseNickname: "LICENSE",
      licensePath: first.found,
    };
  }
  const { id, name, url } = best.license;
  const licenseShortName = id.toLowerCase();
  return {
    licenseShortName,
    licenseName: name,
    licenseUrl: url,
    licensePath: best.path,
    licenseNickname: NICKNAMES[licenseShortName] ?? "",
  };
}

/** The project's own license goes before those of what it uses, then the most certain one. */
function compareMatches(one: FileMatch, other: FileMatch): number {
  const canonical =
    Number(isCanonicalLicenseFile(other.path)) - Number(isCanonicalLicenseFile(one.path));
  if (canonical !== 0) return canonical;
  if (one.confidence !== other.confidence) return other.confidence - one.confidence;
  return one.license.id < other.license.id ? -1 : 1;
}
