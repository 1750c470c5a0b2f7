import { DomainError } from "../../base/error/domain-error.ts";
import { jsonProblem } from "../../base/text/json-problem.ts";
import { binaryFromText } from "../../git/ref/binary-string.ts";
import { invalidArgument } from "../../rpc/rpc-error.ts";

/** How a client wants the conflicts in one file to be resolved. All texts are binary strings. */
export interface Resolution {
  /** Path of the file on our side. */
  readonly oldPath: string;
  /** Path of the file on their side. */
  readonly newPath: string;
  /** What becomes of each section, by its id: `head` is our side, `origin` theirs. */
  readonly sections: ReadonlyMap<string, string>;
  /** What the file shall be; counts without sections only. */
  readonly content: string;
}

/** The resolutions aren't what the protocol says. The message is what clients know from Go. */
export class MalformedResolutionsError extends DomainError {
  constructor(problem: string) {
    super("unknown", problem);
  }
}

/** Parses the resolutions that a client sends as JSON. */
export function parseResolutions(json: Buffer): Resolution[] {
  const value = parseJson(json);
  if (value === null) return [];
  if (!Array.isArray(value)) throw mismatch(value, "value of type []map[string]interface {}");
  const list: readonly unknown[] = value;
  const objects = list.map(fieldsOf);
  for (const fields of objects) {
    if (!fields.has("sections") && !fields.has("content")) {
      throw invalidArgument("missing sections or content for a resolution");
    }
  }
  return objects.map(parseResolution);
}

function parseJson(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString("utf8"));
  } catch {
    const problem = jsonProblem(json.toString("latin1"));
    throw new MalformedResolutionsError(problem ?? "malformed JSON");
  }
}

type Fields = ReadonlyMap<string, unknown>;

function fieldsOf(value: unknown): Fields {
  if (value === null) return new Map();
  if (typeof value !== "object" || Array.isArray(value)) {
    throw mismatch(value, "value of type map[string]interface {}");
  }
  return new Map(Object.entries(value));
}

function parseResolution(fields: Fields): Resolution {
  return {
    oldPath: textField(fields, "old_path"),
    newPath: textField(fields, "new_path"),
    sections: parseSections(fields.get("sections")),
    content: textField(fields, "content"),
  };
}

function textField(fields: Fields, name: string): string {
  const value = fields.get(name) ?? "";
  if (typeof value !== "string") {
    throw mismatch(value, `struct field Resolution.${name} of type string`);
  }
  return binaryFromText(value);
}

function parseSections(value: unknown): ReadonlyMap<string, string> {
  if (value === undefined || value === null) return new Map();
  const field = "struct field Resolution.sections of type";
  if (typeof value !== "object" || Array.isArray(value)) {
    throw mismatch(value, `${field} map[string]string`);
  }
  const sections = new Map<string, string>();
  for (const [id, choice] of Object.entries(value)) {
    if (choice !== null && typeof choice !== "string") throw mismatch(choice, `${field} string`);
    sections.set(binaryFromText(id), choice ?? "");
  }
  return sections;
}

function mismatch(value: unknown, target: string): MalformedResolutionsError {
  return new MalformedResolutionsError(`json: cannot unmarshal ${kindOf(value)} into Go ${target}`);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}
