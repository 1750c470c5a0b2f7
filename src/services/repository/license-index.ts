import { Turns } from "../../storage/file/turns.ts";
import { licenseParts, licenseWords } from "./license-text.ts";
import { wordDistance } from "./word-distance.ts";

/** What is known of a license. */
export interface License {
  /** From the list of SPDX. */
  readonly id: string;
  readonly name: string;
  readonly url: string;
}

/** A license that a text may be. */
export interface LicenseMatch {
  readonly license: License;
  /** How similar the texts are, from 0 to 1. */
  readonly confidence: number;
}

interface IndexedLicense extends License {
  readonly words: Int32Array;
  readonly counts: ReadonlyMap<number, number>;
}

/** Texts that are less similar aren't the same. */
const CONFIDENCE_MIN = 0.75;

/** Stands for words that a license doesn't have. */
const UNKNOWN_WORD = -1;

/** Tells which license a text is, by comparing it with the texts of all. */
export class LicenseIndex {
  readonly #licenses: readonly IndexedLicense[];
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #byUrl: ReadonlyMap<string, License>;

  constructor(licenses: readonly IndexedLicense[], numbers: ReadonlyMap<string, number>) {
    this.#licenses = licenses;
    this.#numbers = numbers;
    const byUrl = licenses.map((license) => [withoutScheme(license.url), license] as const);
    this.#byUrl = new Map(byUrl);
  }

  /** The licenses that a text may be, or that it names by their addresses; in no order. */
  async match(text: string, signal: AbortSignal): Promise<LicenseMatch[]> {
    const found = new Map<License, number>();
    const parts = licenseParts(text);
    for (const part of parts) await this.#matchPart(part, found, signal);
    for (const [url, license] of this.#byUrl) {
      if (url === "" || !text.includes(url)) continue;
      found.set(license, found.get(license) ?? 1);
    }
    return [...found].map(([license, confidence]) => ({ license, confidence }));
  }

  async #matchPart(text: string, found: Map<License, number>, signal: AbortSignal): Promise<void> {
    const turns = new Turns(signal);
    const words = licenseWords(text).map((word) => this.#numbers.get(word) ?? UNKNOWN_WORD);
    const counts = countWords(words);
    for (const license of this.#licenses) {
      if (turns.isOver()) await turns.next();
      if (!mayMatch(license, words.length, counts)) continue;
      const confidence = compare(words, license);
      if (confidence > (found.get(license) ?? 0)) found.set(license, confidence);
      await turns.next();
    }
  }
}

/** Whether enough of a license's words are in a text for it to be similar. */
function mayMatch(
  { words, counts }: IndexedLicense,
  length: number,
  countsOfText: ReadonlyMap<number, number>,
): boolean {
  const missingMax = (1 - CONFIDENCE_MIN) * length;
  if (words.length - length > missingMax) return false;
  let missing = 0;
  for (const [word, count] of counts) {
    missing += Math.max(0, count - (countsOfText.get(word) ?? 0));
    if (missing > missingMax) return false;
  }
  return true;
}

/** The confidence; 0 when it isn't high enough. */
function compare(text: readonly number[], { words, counts }: IndexedLicense): number {
  // What the license lacks, however long, counts as one word.
  const known: number[] = [];
  for (const word of text) {
    if (counts.has(word)) known.push(word);
    else if (known.at(-1) !== UNKNOWN_WORD) known.push(UNKNOWN_WORD);
  }
  const max = Math.floor((1 - CONFIDENCE_MIN) * known.length);
  const distance = wordDistance(Int32Array.from(known), words, max);
  return distance === undefined ? 0 : 1 - distance / known.length;
}

function countWords(words: Iterable<number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function withoutScheme(url: string): string {
  return url.replace(/^https?(?=:)/, "");
}

/** Some licenses have no address, whatever the package's types say. */
interface ListedLicense {
  readonly name: string;
  readonly url?: string;
  readonly licenseText: string;
}

/** Reads the list of SPDX; takes some tenths of a second, in which others have their turn. */
export async function loadLicenseIndex(signal: AbortSignal): Promise<LicenseIndex> {
  const { default: list } = await import("spdx-license-list/full.js");
  const turns = new Turns(signal);
  const numbers = new Map<string, number>();
  const licenses: IndexedLicense[] = [];
  for (const [id, listed] of Object.entries<ListedLicense>(list)) {
    await turns.next();
    const { name, licenseText } = listed;
    // Licenses of Creative Commons go by the address of their summary, which the text's begins with.
    const url = (listed.url ?? "").replace(/\/legalcode$/, "");
    const words = Int32Array.from(licenseWords(licenseText), (word) => {
      const number = numbers.get(word) ?? numbers.size;
      numbers.set(word, number);
      return number;
    });
    licenses.push({ id, name, url, words, counts: countWords(words) });
  }
  return new LicenseIndex(licenses, numbers);
}
