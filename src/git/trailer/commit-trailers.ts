import { binaryFromBytes } from "../ref/binary-string.ts";

/**
 * The trailers at the end of a commit's message, one text each, as git shows them with
 * `%(trailers:unfold)`: `Signed-off-by: A U Thor <author@example.com>`.
 *
 * Lines that stand among the trailers without being any are listed as well. Texts are binary
 * strings. The message has to be in the encoding of what it is shown in; the settings `trailer.*`
 * aren't looked at.
 */
export function commitTrailers(message: Uint8Array): string[] {
  const text = binaryFromBytes(message).replace(/\0.*$/s, "").replace(LEADING_BLANK_LINES, "");
  const end = messageEnd(text);
  const lines = text.slice(blockStart(text, end), end).match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const texts = joinContinuations(lines)
    .filter((line) => !line.startsWith(COMMENT))
    .map(showTrailer);
  // Git puts nothing between texts as long as it has shown nothing.
  const first = texts.findIndex((shown) => shown !== "");
  return first < 0 ? [] : texts.slice(first);
}

const LEADING_BLANK_LINES = /^(?:[ \t\r]*\n)+/;
const COMMENT = "#";
const SCISSORS = "# ------------------------ >8 ------------------------\n";

/** Lines that begin so were written by git, so there are trailers around. */
const GENERATED = /^(?:Signed-off-by: |\(cherry picked from commit )/;

const BLANK_LINE = /^[ \t\r]*(?:\n|$)/;
const SPACE = /^[ \t\n\r]/;

/** A key and the separator behind it. */
const KEY = /^([A-Za-z0-9-]+[ \t]*):/;

/** Where comments, blank lines and git's note about conflicts begin at the end of a message. */
function messageEnd(text: string): number {
  const cutoff = scissorsOffset(text);
  // As for git, 0 means that nothing has begun: a comment at the very start doesn't count.
  let end = 0;
  let inConflicts = false;
  for (let line = 0; line < cutoff; line = nextLine(text, line)) {
    if (text[line] === "\n" || text.startsWith(COMMENT, line)) {
      end ||= line;
    } else if (text.startsWith("Conflicts:\n", line)) {
      inConflicts = true;
      end ||= line;
    } else if (end > 0 && !(inConflicts && text[line] === "\t")) {
      end = 0;
      inConflicts = false;
    }
  }
  return end > 0 ? end : cutoff;
}

function scissorsOffset(text: string): number {
  if (text.startsWith(SCISSORS)) return 0;
  const offset = text.indexOf(`\n${SCISSORS}`);
  return offset < 0 ? text.length : offset + 1;
}

function nextLine(text: string, start: number): number {
  const newline = text.indexOf("\n", start);
  return newline < 0 ? text.length : newline + 1;
}

/** Counts what the last paragraph consists of. */
interface Tally {
  trailers: number;
  others: number;
  /** Indented lines that belong to whatever stands above them. */
  indented: number;
  generated: boolean;
}

/** Where the trailers begin: behind the last blank line, if what follows looks like trailers. */
function blockStart(text: string, end: number): number {
  const titleEnd = findTitleEnd(text, end);
  const tally: Tally = { trailers: 0, others: 0, indented: 0, generated: false };
  let isEmpty = true;
  for (let line = lastLine(text, end); line >= titleEnd; line = lastLine(text, line)) {
    const lineText = text.slice(line, nextLine(text, line));
    if (lineText.startsWith(COMMENT)) {
      tally.others += tally.indented;
      tally.indented = 0;
    } else if (!BLANK_LINE.test(lineText)) {
      isEmpty = false;
      count(tally, lineText);
    } else if (!isEmpty) {
      return areTrailers(tally) ? nextLine(text, line) : end;
    }
  }
  return end;
}

function count(tally: Tally, line: string): void {
  if (GENERATED.test(line) || KEY.test(line)) {
    tally.trailers++;
    tally.indented = 0;
    tally.generated ||= GENERATED.test(line);
  } else if (SPACE.test(line)) {
    tally.indented++;
  } else {
    tally.others += 1 + tally.indented;
    tally.indented = 0;
  }
}

function areTrailers({ trailers, others, indented, generated }: Tally): boolean {
  const allOthers = others + indented;
  if (generated && trailers * 3 >= allOthers) return true;
  return trailers > 0 && allOthers === 0;
}

/** The first paragraph is the title. */
function findTitleEnd(text: string, end: number): number {
  let line = 0;
  while (line < end) {
    if (!text.startsWith(COMMENT, line) && isBlankAt(text, line)) break;
    line = nextLine(text, line);
  }
  return line;
}

function isBlankAt(text: string, line: number): boolean {
  return BLANK_LINE.test(text.slice(line, nextLine(text, line)));
}

/** Start of the last line before `end`; a newline right before `end` belongs to it. -1 at the start. */
function lastLine(text: string, end: number): number {
  if (end === 0) return -1;
  return end === 1 ? 0 : text.lastIndexOf("\n", end - 2) + 1;
}

function joinContinuations(lines: readonly string[]): string[] {
  const joined: string[] = [];
  let last = "";
  for (const line of lines) {
    if (SPACE.test(line) && KEY.test(last)) {
      last += line;
      joined[joined.length - 1] = last;
    } else {
      joined.push(line);
      last = line;
    }
  }
  return joined;
}

function showTrailer(line: string): string {
  const key = KEY.exec(line);
  if (key === null) return line.replace(/[ \t\n\r]+$/, "");
  const value = trim(line.slice(key[0].length));
  return `${trim(key[1] ?? "")}: ${trim(value.replace(/\n[ \t\n\r]*/g, " "))}`;
}

function trim(text: string): string {
  return text.replace(/^[ \t\n\r]+/, "").replace(/[ \t\n\r]+$/, "");
}
