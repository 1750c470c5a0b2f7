import type { PlainGit } from "../process/plain-git.ts";
import { packetLine } from "../rpc/push-stream.ts";

const DELIMITER = "0001";
const FLUSH = "0000";

/**
 * What a git client sends to get everything that branches and tags reach, in version 2 of the
 * protocol (gitprotocol-v2, "fetch").
 */
export function cloneRequest(git: PlainGit, repositoryPath: string): Buffer {
  const oids = git.lines([
    ...["-C", repositoryPath, "for-each-ref", "--format=%(objectname)"],
    ...["refs/heads/", "refs/tags/"],
  ]);
  const lines = [
    packetLine("command=fetch\n"),
    packetLine("agent=git/2.55.0\n"),
    packetLine(`object-format=${oids[0]?.length === 64 ? "sha256" : "sha1"}\n`),
    DELIMITER,
    ...["thin-pack\n", "no-progress\n", "include-tag\n", "ofs-delta\n"].map(packetLine),
    ...[...new Set(oids)].map((oid) => packetLine(`want ${oid}\n`)),
    packetLine("done\n"),
    FLUSH,
  ];
  return Buffer.from(lines.join(""));
}
