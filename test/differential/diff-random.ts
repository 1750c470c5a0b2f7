import type { Random } from "./objects-random.ts";

/** Lines that stand in many places of a text, which is what makes differences ambiguous. */
const COMMON = [
  ...["", "", "", "\t", "    ", "}", "}", "{", "\t}", "  else {", "\treturn 0;", "# note"],
  ...["int main(void)", "func run() {", "    def call(self):", "class Thing:", "$x = 1;", "_y"],
  ...["\tif (a) {\r", "end\r", "public:", "sub run {", "## Heading", "caf\xc3\xa9 = 1", "\xff\xfe"],
];

/** A text that may look like a program, as lines without newlines. */
export function randomLines(random: Random, count: number): string[] {
  const uniqueness = 1 + random.below(60);
  return Array.from({ length: count }, () => randomLine(random, uniqueness));
}

function randomLine(random: Random, uniqueness: number): string {
  if (random.below(100) >= uniqueness) return random.pick(COMMON);
  const indent = "\t".repeat(random.below(3)) + " ".repeat(random.below(5));
  return `${indent}${random.pick(["line", "value", "int"])} ${random.below(400)}`;
}

/** The text after some edits: lines added, removed, changed, moved and repeated. */
export function editLines(random: Random, lines: readonly string[], edits: number): string[] {
  const edited = [...lines];
  for (let edit = 0; edit < edits; edit++) {
    const at = random.below(edited.length + 1);
    const to = random.below(edited.length + 1);
    const count = 1 + random.below(12);
    switch (random.below(5)) {
      case 0:
        edited.splice(at, count);
        break;
      case 1:
        edited.splice(at, 0, ...randomLines(random, count));
        break;
      case 2:
        edited.splice(to, 0, ...edited.splice(at, count));
        break;
      case 3:
        edited.splice(to, 0, ...edited.slice(at, at + count));
        break;
      default:
        if (at < edited.length) edited[at] = randomLine(random, 50);
    }
  }
  return edited;
}

/** A file of these lines, as a binary string; now and then the last one has no newline. */
export function toText(random: Random, lines: readonly string[]): string {
  if (lines.length === 0) return "";
  return lines.join("\n") + (random.oneIn(4) ? "" : "\n");
}
