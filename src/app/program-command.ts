import { extname } from "node:path";
import { fileURLToPath } from "node:url";

/** How a shell runs a program of ours, such as `gitaly-ssh`, on the Node that runs this one. */
export function programCommand(name: string): string {
  const file = `../bin/${name}${extname(import.meta.filename)}`;
  const words = [process.execPath, fileURLToPath(new URL(file, import.meta.url))];
  return words.map(quoteWord).join(" ");
}

/** A word as a shell takes it. */
export function quoteWord(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
