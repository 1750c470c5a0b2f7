import { createHash } from "node:crypto";
import { DomainError } from "../../base/error/domain-error.ts";
import { quoteBytes } from "../../base/text/quote-bytes.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";
import type { Resolution } from "./parse-resolutions.ts";

/** Files with more bytes are not resolved. */
const FILE_BYTES_MAX = 200 * 1024;

/** Conflict marks in a file don't come in the order in which git writes them. */
export class UnexpectedDelimiterError extends DomainError {
  constructor(path: string) {
    super("invalid-argument", parsing(path, "unexpected conflict delimiter"));
  }
}

/** A file's conflicts can't be resolved as asked. */
export class UnresolvableFileError extends DomainError {
  constructor(problem: string) {
    super("internal", problem);
  }
}

function parsing(path: string, problem: string): string {
  return `resolve: parse conflict for ${quoteBytes(bytesFromBinary(path))}: ${problem}`;
}

/** A file with conflict marks. */
export interface ConflictingContent {
  readonly content: Buffer;
  /** A binary string. */
  readonly path: string;
  /** What the marks name. */
  readonly ours: Oid;
  readonly theirs: Oid;
}

/**
 * Resolves the conflicts in one file.
 *
 * @param endsLine whether the last line is to be ended
 * @throws UnexpectedDelimiterError, UnresolvableFileError
 */
export function resolveFile(
  file: ConflictingContent,
  resolution: Resolution,
  endsLine: boolean,
): Buffer {
  const { content, path } = file;
  if (content.length === 0 || content.length > FILE_BYTES_MAX) {
    throw new UnresolvableFileError(parsing(path, "merging is not supported for file"));
  }
  if (resolution.sections.size === 0) return bytesFromBinary(resolution.content);
  const lines = parseLines(file, resolution);
  const chosen = chooseLines(lines, path, resolution.sections);
  const lineBreak = lines[0]?.endsWithReturn === true ? "\r\n" : "\n";
  return bytesFromBinary(chosen.join(lineBreak) + (endsLine ? lineBreak : ""));
}

/** Where a line stands: in no conflict, on our side, on theirs, or after a remark of git's. */
type Section = "none" | "ours" | "theirs" | "remark";

interface Line {
  readonly text: string;
  readonly endsWithReturn: boolean;
  readonly section: Section;
  readonly theirNumber: number;
  readonly ourNumber: number;
}

function parseLines(
  { content, path, ours, theirs }: ConflictingContent,
  resolution: Resolution,
): Line[] {
  const steps = marks(ours, theirs, resolution);
  const lines: Line[] = [];
  const place: Place = { section: "none", theirNumber: 1, ourNumber: 1 };
  for (const raw of splitLines(content)) {
    const endsWithReturn = raw.endsWith("\r");
    const text = endsWithReturn ? raw.slice(0, -1) : raw;
    const step = steps.get(text);
    if (step !== undefined) {
      if (place.section !== step.from) throw new UnexpectedDelimiterError(path);
      place.section = step.to;
      continue;
    }
    const isRemark = text.startsWith("\\");
    if (isRemark) place.section = "remark";
    lines.push({ text, endsWithReturn, ...place });
    if (!isRemark) countLine(place);
  }
  if (place.section === "ours" || place.section === "theirs") {
    throw new UnresolvableFileError(parsing(path, "missing last delimiter"));
  }
  return lines;
}

interface Place {
  section: Section;
  theirNumber: number;
  ourNumber: number;
}

function countLine(place: Place): void {
  if (place.section !== "ours") place.theirNumber++;
  if (place.section !== "theirs") place.ourNumber++;
}

interface Step {
  readonly from: Section;
  readonly to: Section;
}

/** Git names the files as well when they have different names. */
function marks(
  ours: Oid,
  theirs: Oid,
  { oldPath, newPath }: Resolution,
): ReadonlyMap<string, Step> {
  const [ourPath, theirPath] = oldPath === newPath ? ["", ""] : [`:${oldPath}`, `:${newPath}`];
  return new Map<string, Step>([
    [`<<<<<<< ${ours}${ourPath}`, { from: "none", to: "ours" }],
    ["=======", { from: "ours", to: "theirs" }],
    [`>>>>>>> ${theirs}${theirPath}`, { from: "theirs", to: "none" }],
  ]);
}

function splitLines(content: Buffer): string[] {
  const lines = content.toString("latin1").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function chooseLines(
  lines: readonly Line[],
  path: string,
  sections: Resolution["sections"],
): string[] {
  const chosen: string[] = [];
  const pathHash = createHash("sha1").update(bytesFromBinary(path)).digest("hex");
  let id = "";
  for (const { text, section, theirNumber, ourNumber } of lines) {
    if (section === "none") {
      id = "";
      chosen.push(text);
      continue;
    }
    if (id === "") id = `${pathHash}_${theirNumber}_${ourNumber}`;
    const side = SIDES.get(sections.get(id) ?? "");
    if (side === undefined) {
      throw new UnresolvableFileError(`Missing resolution for section ID: ${textFromBinary(id)}`);
    }
    if (side === section) chosen.push(text);
  }
  return chosen;
}

const SIDES: ReadonlyMap<string, Section> = new Map([
  ["head", "ours"],
  ["origin", "theirs"],
]);
