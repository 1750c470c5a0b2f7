import { statSync } from "node:fs";
import { join } from "node:path";
import { isMissing } from "../../base/error/system-error-text.ts";
import { readIfThere } from "../../base/file/read-if-there.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import { FileHead } from "./file-head.ts";
import { during, InspectionError } from "./inspection-error.ts";

/** What the headers of a repository's commit-graph tell, of all files together. */
export interface CommitGraphInfo {
  /** Number of files in the chain; 0 for a graph in a single file. */
  readonly chainLength: number;
  /** Whether it can tell quickly that a commit leaves a path alone. */
  readonly hasBloomFilters: boolean;
  /** Whether it has corrected commit dates. */
  readonly hasGenerationData: boolean;
  /** Whether a corrected date needs more than 31 bits. */
  readonly hasGenerationDataOverflow: boolean;
}

/*
 * The header, see gitformat-commit-graph: 4 bytes signature "CGPH"; a byte each: version, hash
 * version, number of chunks, number of base graphs. A table of contents follows, with 4 bytes id and
 * 8 bytes offset of each chunk and of the end.
 */
const HEADER_BYTES = 8;
const CHUNK_ENTRY_BYTES = 12;

/** Looks at the commit-graph of the repository at `repositoryPath`; undefined when it has none. */
export function readCommitGraphInfo(repositoryPath: string): CommitGraphInfo | undefined {
  const folder = join(repositoryPath, "objects/info");
  const chain = during("reading commit-graphs chain", () => readChain(folder));
  if (chain !== undefined) return summarize(chain.length, chain);
  const single = join(folder, "commit-graph");
  const stats = during("statting commit-graph", () => statSync(single, { throwIfNoEntry: false }));
  return stats === undefined ? undefined : summarize(0, [single]);
}

function readChain(folder: string): string[] | undefined {
  const text = readIfThere(join(folder, "commit-graphs/commit-graph-chain"))?.toString("latin1");
  if (text === undefined) return undefined;
  const ids = text.trim().split("\n");
  return ids.map((id) => join(folder, "commit-graphs", `graph-${id}.graph`));
}

function summarize(chainLength: number, paths: readonly string[]): CommitGraphInfo {
  const tables = paths.map((path) => readTable(path));
  const has = (...ids: readonly string[]): boolean =>
    tables.some((table) => ids.every((id) => table.includes(id)));
  return {
    chainLength,
    hasBloomFilters: has("BIDX", "BDAT"),
    hasGenerationData: has("GDA2"),
    hasGenerationDataOverflow: has("GDO2"),
  };
}

/** The ids of a graph's chunks; none for a graph that has vanished since its chain was read. */
function readTable(path: string): readonly string[] {
  using file = openGraph(path);
  if (file === undefined) return [];
  const name = quoteText(path);
  const header = readPart(file, HEADER_BYTES, name, "header");
  if (header.toString("latin1", 0, 4) !== "CGPH") {
    throw new InspectionError(`commit graph file ${name} doesn't have signature`);
  }
  const version = header.readUInt8(4);
  if (version !== 1) {
    const problem = `has unsupported version number: ${version}`;
    throw new InspectionError(`commit graph file ${name} ${problem}`);
  }
  const chunkCount = header.readUInt8(6);
  const tableBytes = (chunkCount + 1) * CHUNK_ENTRY_BYTES;
  const table = readPart(file, tableBytes, name, "table of contents", " for the chunks");
  return Array.from({ length: chunkCount }, (_, index) => {
    const offset = index * CHUNK_ENTRY_BYTES;
    return table.toString("latin1", offset, offset + 4);
  });
}

function readPart(file: FileHead, length: number, name: string, part: string, more = ""): Buffer {
  const doing = `read commit graph file ${name} ${part}${more}`;
  const bytes = during(doing, () => file.read(length));
  if (bytes.length === length) return bytes;
  const problem =
    bytes.length === 0 ? `${doing}: EOF` : `commit graph file ${name} is too small, no ${part}`;
  throw new InspectionError(problem);
}

function openGraph(path: string): FileHead | undefined {
  try {
    return new FileHead(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    return during("read commit graph chain file", () => {
      throw error;
    });
  }
}
