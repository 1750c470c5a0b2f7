/** A commit taken apart as its signers see it. */
export interface SignedCommit {
  /** The first signature, without the newline at its end; undefined when there is none. */
  readonly signature: Buffer | undefined;
  /** The bytes that were signed. */
  readonly payload: Buffer;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;
const SIGNATURE_KEYS = ["gpgsig", "gpgsig-sha256"];

/**
 * Takes the signatures out of a commit's content: those at the first header of a kind, and others
 * right behind them. Lines before them that are no headers don't count as signed.
 */
export function splitSignedCommit(content: Buffer): SignedCommit {
  const splitter = new HeaderSplitter();
  let line = 0;
  while (line < content.length && content[line] !== NEWLINE) {
    const newline = content.indexOf(NEWLINE, line);
    const next = newline < 0 ? content.length : newline + 1;
    splitter.add(content.subarray(line, next));
    line = next;
  }
  const { signature, payload } = splitter;
  payload.push(content.subarray(line));
  return {
    signature: signature.length === 0 ? undefined : withoutNewline(Buffer.concat(signature)),
    payload: Buffer.concat(payload),
  };
}

class HeaderSplitter {
  readonly payload: Buffer[] = [];
  /** Lines of the first signature. */
  readonly signature: Buffer[] = [];
  /** Signatures so far. */
  #count = 0;
  #place: "before" | "inside" | "behind" = "before";

  add(line: Buffer): void {
    if (this.#place === "inside" && line[0] === SPACE) {
      this.#addSigned(line.subarray(1));
      return;
    }
    const space = line.indexOf(SPACE);
    const key = space < 0 ? "" : line.toString("latin1", 0, space);
    if (this.#place !== "behind" && SIGNATURE_KEYS.includes(key)) {
      this.#place = "inside";
      this.#count++;
      this.#addSigned(line.subarray(space + 1));
      return;
    }
    if (this.#place === "inside") this.#place = "behind";
    if (this.#place === "behind" || space >= 0) this.payload.push(line);
  }

  #addSigned(line: Buffer): void {
    if (this.#count === 1) this.signature.push(line);
  }
}

function withoutNewline(text: Buffer): Buffer {
  return text.at(-1) === NEWLINE ? text.subarray(0, -1) : text;
}
