import { DiffTooHardError } from "../text/diff-too-hard-error.ts";
import type { DiffContents } from "./diff-contents.ts";
import { type DiffFile, type FilePair, isRegular, SCORE_MAX } from "./file-pair.ts";
import { type Fingerprint, SimilarityMeter } from "./similarity.ts";

/** With more pairs of removed and added files than this squared, contents aren't compared. */
const CANDIDATES_MAX = 1000;

/** Contents of up to so many pairs are compared here. */
const COMPARISONS_MAX = 10_000;

/** Bytes that are read for comparing contents. */
const BYTES_MAX = 16 * 1024 * 1024;

/** The best matches that are kept for each added file. */
const MATCHES_PER_FILE = 4;

/** Files of the same content to choose from that are looked at. */
const IDENTICAL_MAX = 100;

interface Source {
  readonly file: DiffFile;
  isUsed: boolean;
  fingerprint?: Fingerprint;
}

interface Target {
  /** Place in the list of pairs. */
  readonly index: number;
  readonly file: DiffFile;
  rename?: { readonly from: DiffFile; readonly score: number };
  fingerprint?: Fingerprint;
}

interface Match {
  readonly source: Source;
  readonly target: Target;
  readonly score: number;
  readonly hasSameName: boolean;
}

/**
 * Joins removed and added files that are similar enough into renamed ones, as git does.
 *
 * First those with the same content, then those with the same name, then by similarity. Throws
 * `DiffTooHardError` when there is too much to compare, and what reading contents throws.
 *
 * @param scoreMin how similar files have to be, more than 0 and up to `SCORE_MAX`
 */
export function findRenames(
  pairs: readonly FilePair[],
  scoreMin: number,
  contents: DiffContents,
): readonly FilePair[] {
  const sources: Source[] = [];
  const targets: Target[] = [];
  for (const [index, { status, from, to }] of pairs.entries()) {
    if (status === "D") sources.push({ file: from, isUsed: false });
    if (status === "A") targets.push({ index, file: to });
  }
  if (sources.length === 0 || targets.length === 0) return pairs;
  findIdentical(sources, targets);
  new SimilarFiles(scoreMin, contents).find(sources, targets);
  return withRenames(pairs, sources, targets);
}

function withRenames(
  pairs: readonly FilePair[],
  sources: readonly Source[],
  targets: readonly Target[],
): FilePair[] {
  const used = new Set(sources.filter(({ isUsed }) => isUsed).map(({ file }) => file));
  const renames = new Map(targets.map(({ index, rename }) => [index, rename]));
  const joined: FilePair[] = [];
  for (const [index, pair] of pairs.entries()) {
    const rename = renames.get(index);
    if (rename !== undefined) joined.push({ ...rename, status: "R", to: pair.to });
    else if (!used.has(pair.from)) joined.push(pair);
  }
  return joined;
}

function findIdentical(sources: readonly Source[], targets: readonly Target[]): void {
  const byId = new Map<string, Source[]>();
  for (const source of sources) {
    const same = byId.get(source.file.oid);
    if (same === undefined) byId.set(source.file.oid, [source]);
    else same.push(source);
  }
  for (const target of targets) {
    const source = bestIdentical(byId.get(target.file.oid) ?? [], target.file);
    if (source !== undefined) join({ source, target, score: SCORE_MAX });
  }
}

/** The first one, or one with the same name. */
function bestIdentical(sources: readonly Source[], target: DiffFile): Source | undefined {
  let best: Source | undefined;
  let looksLeft = IDENTICAL_MAX;
  for (const source of sources) {
    const { file, isUsed } = source;
    const isPossible = file.mode === target.mode || (isRegular(file) && isRegular(target));
    if (isUsed || !isPossible) continue;
    if (hasSameName(file, target)) return source;
    best ??= source;
    if (--looksLeft === 0) break;
  }
  return best;
}

function join({ source, target, score }: Omit<Match, "hasSameName">): void {
  source.isUsed = true;
  target.rename = { from: source.file, score };
}

function hasSameName(a: DiffFile, b: DiffFile): boolean {
  return nameOf(a) === nameOf(b);
}

function nameOf({ path }: DiffFile): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Finds files that aren't the same but similar. */
class SimilarFiles {
  readonly #scoreMin: number;
  readonly #contents: DiffContents;
  #meter: SimilarityMeter | undefined;
  #bytesLeft = BYTES_MAX;

  constructor(scoreMin: number, contents: DiffContents) {
    this.#scoreMin = scoreMin;
    this.#contents = contents;
  }

  find(sources: readonly Source[], targets: readonly Target[]): void {
    if (this.#scoreMin === SCORE_MAX) return;
    this.#findSameNames(sources, targets);
    const restSources = sources.filter(({ isUsed }) => !isUsed);
    const restTargets = targets.filter(({ rename }) => rename === undefined);
    const count = restSources.length * restTargets.length;
    if (count > CANDIDATES_MAX * CANDIDATES_MAX) return;
    if (count > COMPARISONS_MAX) throw new DiffTooHardError("large-difference");
    const matches = restTargets.flatMap((target) => this.#bestMatches(restSources, target));
    // Stable, so that of equal matches the first one wins.
    for (const match of matches.sort(compareMatches)) {
      if (match.score < this.#scoreMin) break;
      if (match.target.rename === undefined && !match.source.isUsed) join(match);
    }
  }

  /** Names that stand once on either side are tried first, if the files are rather similar. */
  #findSameNames(sources: readonly Source[], targets: readonly Target[]): void {
    const scoreMin = this.#scoreMin + Math.floor((SCORE_MAX - this.#scoreMin) / 2);
    const sourcesByName = uniqueByName(sources.filter(({ isUsed }) => !isUsed));
    const targetsByName = uniqueByName(targets.filter(({ rename }) => rename === undefined));
    for (const [name, source] of sourcesByName) {
      const target = targetsByName.get(name);
      if (source === undefined || target === undefined) continue;
      const score = this.#scoreOf(source, target, scoreMin);
      if (score >= scoreMin) join({ source, target, score });
    }
  }

  #bestMatches(sources: readonly Source[], target: Target): Match[] {
    const best: Match[] = [];
    for (const source of sources) {
      const score = this.#scoreOf(source, target, this.#scoreMin);
      const match = { source, target, score, hasSameName: hasSameName(source.file, target.file) };
      if (best.length < MATCHES_PER_FILE) {
        best.push(match);
        continue;
      }
      const worst = worstOf(best);
      const worstMatch = best[worst];
      if (worstMatch !== undefined && compareMatches(worstMatch, match) > 0) best[worst] = match;
    }
    return best;
  }

  #scoreOf(source: Source, target: Target, scoreMin: number): number {
    const from = source.file;
    const to = target.file;
    if (!isRegular(from) || !isRegular(to)) return 0;
    const sizeFrom = this.#contents.sizeOf(from);
    const sizeTo = this.#contents.sizeOf(to);
    const larger = Math.max(sizeFrom, sizeTo);
    const difference = larger - Math.min(sizeFrom, sizeTo);
    if (larger * (SCORE_MAX - scoreMin) < difference * SCORE_MAX) return 0;
    this.#meter ??= new SimilarityMeter();
    source.fingerprint ??= this.#fingerprint(this.#meter, from);
    target.fingerprint ??= this.#fingerprint(this.#meter, to);
    return this.#meter.score(source.fingerprint, target.fingerprint);
  }

  #fingerprint(meter: SimilarityMeter, file: DiffFile): Fingerprint {
    const content = this.#contents.read(file);
    this.#bytesLeft -= content.length;
    if (this.#bytesLeft < 0) throw new DiffTooHardError("large-difference");
    return meter.fingerprint(content, !this.#contents.isBinary(file));
  }
}

/** Files by names; `undefined` for names that several have. */
function uniqueByName<File extends { readonly file: DiffFile }>(
  files: readonly File[],
): Map<string, File | undefined> {
  const byName = new Map<string, File | undefined>();
  for (const entry of files) {
    const name = nameOf(entry.file);
    byName.set(name, byName.has(name) ? undefined : entry);
  }
  return byName;
}

/** Orders by score, then those with the same name first. */
function compareMatches(a: Match, b: Match): number {
  return b.score - a.score || Number(b.hasSameName) - Number(a.hasSameName);
}

/** The first of the worst matches. */
function worstOf(matches: readonly Match[]): number {
  let worst = 0;
  for (const [index, match] of matches.entries()) {
    const other = matches[worst];
    if (other !== undefined && compareMatches(match, other) > 0) worst = index;
  }
  return worst;
}
