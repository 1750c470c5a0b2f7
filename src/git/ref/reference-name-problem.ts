import { binaryFromBytes } from "./binary-string.ts";

/**
 * Says why Gitaly refuses `name`, or undefined when it doesn't.
 *
 * Stricter than `parseRefName`: HEAD and everything outside of `refs/` is refused. The messages are
 * those that clients of UpdateReferences see, so their wording and order are part of the protocol.
 */
export function referenceNameProblem(name: Uint8Array | string): string | undefined {
  const binary = typeof name === "string" ? name : binaryFromBytes(name);
  if (binary === "HEAD") return "HEAD reference not allowed";
  if (!binary.startsWith("refs/")) return "reference is not fully qualified";
  const rest = binary.slice("refs/".length);
  return wholeProblem(rest) ?? characterProblem(rest) ?? componentProblem(rest);
}

function wholeProblem(rest: string): string | undefined {
  if (rest === "") return "refs/ is not a valid reference";
  if (rest.endsWith("/")) return "reference must not end with slash";
  if (rest.endsWith(".")) return "reference must not end with dot";
  if (rest.includes("@{")) return "reference must not contain @{";
  if (rest.includes("..")) return "reference must not contain double dots";
  return undefined;
}

function characterProblem(rest: string): string | undefined {
  for (const character of rest) {
    if (" \t\n".includes(character)) return "reference must not contain space characters";
    if (":?[\\^~*\x7f".includes(character)) return "reference must not contain special characters";
    if (character < " ") return "reference must not contain control characters";
  }
  return undefined;
}

function componentProblem(rest: string): string | undefined {
  for (const component of rest.split("/")) {
    if (component === "") return "empty component is not allowed";
    if (component.startsWith(".")) return "component must not start with dot";
    if (component.endsWith(".lock")) return "component must not end with .lock";
  }
  return undefined;
}
