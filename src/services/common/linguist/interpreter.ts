import { posix } from "node:path";
import { firstLines } from "../text-lines.ts";

/** The program that the first line of a script names, as in `#!/usr/bin/env -S python3`. */
export function findInterpreter(content: string): string | undefined {
  const [line = ""] = firstLines(content, 1);
  if (!line.startsWith("#!")) return undefined;
  const words = line.slice(2).trim().split(/\s+/);
  let name = posix.basename(words[0] ?? "");
  if (name === "env") {
    const rest = words.slice(1);
    while (rest.length > 1 && /-[i0uCSv]*|--\S+|\S+=\S+/.test(rest[0] ?? "")) rest.shift();
    name = posix.basename(rest[0] ?? "");
  }
  if (name === "sh") name = executedBy(content) ?? "sh";
  if (/python\d\.\d+/.test(name)) name = name.slice(0, name.indexOf("."));
  if (name === "osascript" && line.includes("-l")) return undefined;
  return name;
}

/** What a shell's script gives itself to at once: `exec wish "$0" "$@"`. */
function executedBy(content: string): string | undefined {
  for (const line of firstLines(content, 5)) {
    const name = /exec (\w+)(.*)/.exec(line);
    const rest = name?.[2] ?? "";
    const self = rest.indexOf("$0", 1);
    if (self > 0 && rest.includes("$@", self + 3)) return name?.[1];
  }
  return undefined;
}
