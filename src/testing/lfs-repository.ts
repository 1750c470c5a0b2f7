import assert from "node:assert/strict";
import type { LFSPointer } from "../proto/blob_pb.ts";
import { collect } from "./repository-errors.ts";
import type { ServedRepository } from "./test-server.ts";

/** Replies of the RPCs about pointers. */
export interface Replies {
  readonly lfsPointers: readonly LFSPointer[];
}

/** A pointer to content of `size` bytes, filled up to `length` bytes. */
export function lfsPointer(size: number, length = 0): string {
  const start = `version https://git-lfs.github.com/spec/v1\noid sha256:${"a".repeat(64)}\n`;
  const text = `${start}size ${size}\n`;
  return text + "x".repeat(Math.max(0, length - text.length));
}

/** Pointers with 1 to 3 in commits of two branches, 4 and 5 without any. */
export function lfsFixture({ git, gitLine }: ServedRepository): Map<string, string> {
  const texts: Record<string, string> = {
    ...{ one: lfsPointer(1), two: lfsPointer(2), three: lfsPointer(3), other: "no pointer" },
    ...{ longest: lfsPointer(4, 200), tooLong: lfsPointer(5, 201) },
  };
  const oids = new Map<string, string>();
  for (const [name, input] of Object.entries(texts)) {
    oids.set(name, gitLine(["hash-object", "-w", "--stdin"], { input }));
  }
  const commit = (branch: string, names: readonly string[]): void => {
    const input = names.map((name) => `100644 blob ${oids.get(name)}\t${name}\n`).join("");
    const tree = gitLine(["mktree"], { input });
    const id = gitLine(["commit-tree", tree, "-m", branch]);
    git(["update-ref", `refs/heads/${branch}`, id]);
    oids.set(branch, id);
    oids.set("tree", tree);
  };
  commit("main", ["one"]);
  commit("topic", ["two", "other", "three", "longest", "tooLong"]);
  return oids;
}

/** The sizes that pointers tell, after a look at the rest of them. */
export async function lfsSizes(replies: AsyncIterable<Replies>): Promise<bigint[]> {
  const pointers = (await collect(replies)).flatMap(({ lfsPointers }) => lfsPointers);
  for (const { size, data, oid, fileOid, fileSize } of pointers) {
    assert.equal(size, BigInt(data.length));
    assert.ok(
      Buffer.from(data)
        .toString()
        .startsWith(lfsPointer(Number(fileSize)).trimEnd()),
    );
    assert.match(oid, /^[0-9a-f]{40,64}$/);
    assert.equal(Buffer.from(fileOid).toString(), "a".repeat(64));
  }
  return pointers.map(({ fileSize }) => fileSize);
}
