import { isAscii, isUtf8 } from "node:buffer";
import { DiffTooHardError } from "./diff-too-hard-error.ts";
import { type FindFunction, FUNCTION_BYTES_MAX, trimEnd } from "./function-line.ts";

/** Patterns take time that grows faster than the line; a longer one is left to git. */
const LINE_BYTES_MAX = 1000;

/** How a language's functions are found: the first pattern that matches decides. */
interface Pattern {
  readonly expression: RegExp;
  /** A line that matches begins no function. */
  readonly isNegated?: boolean;
}

const SPACE = "[ \\t\\n\\v\\f\\r]";
const ALNUM = "A-Za-z0-9";

function pattern(expression: string, flags: "s" | "si" = "s"): Pattern {
  return { expression: new RegExp(expression, flags) };
}

function not(expression: string, flags: "s" | "si" = "s"): Pattern {
  return { ...pattern(expression, flags), isNegated: true };
}

/**
 * The languages that git knows by the attribute `diff`, as far as they are known here. What a
 * pattern's first group matches is shown, or else all of the match.
 */
const LANGUAGES: ReadonlyMap<string, readonly Pattern[]> = new Map([
  [
    "bash",
    [
      pattern(
        "^[ \\t]*((([a-zA-Z_][a-zA-Z0-9_]*[ \\t]*\\([ \\t]*\\))|(function[ \\t]+[a-zA-Z_][a-zA-Z0-9_]*(([ \\t]*\\([ \\t]*\\))|([ \\t]+)))).*$)",
      ),
    ],
  ],
  [
    "cpp",
    [
      not(`^[ \\t]*[A-Za-z_][A-Za-z_0-9]*:${SPACE}*($|/[/*])`),
      pattern(`^((::${SPACE}*)?[A-Za-z_].*)$`),
    ],
  ],
  ["css", [not(`[:;]${SPACE}*$`, "si"), pattern("^[:[@.#]?[_a-z0-9].*$", "si")]],
  ["elixir", [pattern("^[ \\t]*((def(macro|module|impl|protocol|p)?|test)[ \\t].*)$")]],
  [
    "golang",
    [
      pattern("^[ \\t]*(func[ \\t]*.*(\\{[ \\t]*)?)"),
      pattern("^[ \\t]*(type[ \\t].*(struct|interface)[ \\t]*(\\{[ \\t]*)?)"),
    ],
  ],
  ["html", [pattern("^[ \\t]*(<[Hh][1-6]([ \\t].*)?>.*)$")]],
  ["ini", [pattern("^[ \\t]*\\[[^\\]]+\\]")]],
  [
    "java",
    [
      not("^[ \\t]*(catch|do|for|if|instanceof|new|return|switch|throw|while)"),
      pattern("^[ \\t]*(([a-z-]+[ \\t]+)*(class|enum|interface|record)[ \\t]+.*)$"),
      pattern(
        "^[ \\t]*(([A-Za-z_<>&][\\]\\[?&<>.,A-Za-z_0-9]*[ \\t]+)+[A-Za-z_][A-Za-z_0-9]*[ \\t]*\\([^;]*)$",
      ),
    ],
  ],
  ["kotlin", [pattern("^[ \\t]*(([a-z]+[ \\t]+)*(fun|class|interface)[ \\t]+.*)$")]],
  ["markdown", [pattern("^ {0,3}#{1,6}[ \\t].*")]],
  [
    "perl",
    [
      pattern("^package .*"),
      pattern(`^sub [${ALNUM}_':]+[ \\t]*(\\([^)]*\\)[ \\t]*)?(:[^;#]*)?(\\{[ \\t]*)?(#.*)?$`),
      pattern("^(BEGIN|END|INIT|CHECK|UNITCHECK|AUTOLOAD|DESTROY)[ \\t]*(\\{[ \\t]*)?(#.*)?$"),
      pattern("^=head[0-9] .*"),
    ],
  ],
  [
    "php",
    [
      pattern("^[\\t ]*(((public|protected|private|static|abstract|final)[\\t ]+)*function.*)$"),
      pattern("^[\\t ]*((((final|abstract)[\\t ]+)?class|enum|interface|trait).*)$"),
    ],
  ],
  ["python", [pattern("^[ \\t]*((class|(async[ \\t]+)?def)[ \\t].*)$")]],
  ["ruby", [pattern("^[ \\t]*((class|module|def)[ \\t].*)$")]],
  [
    "rust",
    [
      pattern(
        '^[\\t ]*((pub(\\([^\\)]+\\))?[\\t ]+)?((async|const|unsafe|extern([\\t ]+"[^"]+"))[\\t ]+)?(struct|enum|union|mod|trait|fn|impl|macro_rules!)[< \\t]+[^;]*)$',
      ),
    ],
  ],
]);

/** Languages that git knows and whose patterns aren't known here. */
const OTHER_LANGUAGES: ReadonlySet<string> = new Set([
  "ada",
  "bibtex",
  "csharp",
  "dts",
  "fortran",
  "fountain",
  "matlab",
  "objc",
  "pascal",
  "r",
  "scheme",
  "swift",
  "tex",
]);

/**
 * How functions of a language are found; `undefined` for what git takes for no language. Throws
 * `DiffTooHardError` for one that is left to git; what is returned throws that for lines that git
 * may read in either of two ways, depending on the machine.
 */
export function findFunctionsOf(language: string): FindFunction | undefined {
  if (OTHER_LANGUAGES.has(language)) throw new DiffTooHardError("function-line");
  const patterns = LANGUAGES.get(language);
  return patterns && ((content, start, end) => findFunction(patterns, content, start, end));
}

function findFunction(
  patterns: readonly Pattern[],
  content: Buffer,
  start: number,
  end: number,
): readonly [start: number, end: number] | undefined {
  const bytes = content.subarray(start, lineEnd(content, start, end));
  if (bytes.length > LINE_BYTES_MAX) throw new DiffTooHardError("function-line");
  const line = bytes.toString("latin1");
  const found = match(patterns, line);
  if (!isAscii(bytes) && !isUnequivocal(patterns, bytes, line, found)) {
    throw new DiffTooHardError("function-line");
  }
  if (found === undefined) return undefined;
  const shownStart = start + found[0];
  const shownEnd = Math.min(start + found[1], shownStart + FUNCTION_BYTES_MAX);
  return [shownStart, trimEnd(content, shownStart, shownEnd)];
}

/** Where the line's content ends; `\r\n` and `\n` don't belong to it. */
function lineEnd(content: Buffer, start: number, end: number): number {
  if (end <= start || content[end - 1] !== 0x0a) return end;
  return end - 1 > start && content[end - 2] === 0x0d ? end - 2 : end - 1;
}

type Range = readonly [start: number, end: number];

function match(patterns: readonly Pattern[], line: string): Range | undefined {
  for (const { expression, isNegated } of patterns) {
    const found = expression.exec(line);
    if (found === null) continue;
    if (isNegated === true) return undefined;
    const [whole, group] = found;
    if (group === undefined) return [found.index, found.index + whole.length];
    // Nothing but white space, or nothing at all, stands in front of a group that isn't empty.
    const at = found.index + whole.indexOf(group);
    return [at, at + group.length];
  }
  return undefined;
}

/**
 * Whether the result is the same in every locale: where bytes are characters and where text is
 * UTF-8, whatever the characters that aren't ASCII count as.
 */
function isUnequivocal(
  patterns: readonly Pattern[],
  bytes: Buffer,
  line: string,
  found: Range | undefined,
): boolean {
  if (!isUtf8(bytes)) return false;
  return [" ", "a"].every((stand) => {
    const other = match(patterns, line.replace(/[\x80-\xff]/g, stand));
    return other?.[0] === found?.[0] && other?.[1] === found?.[1];
  });
}
