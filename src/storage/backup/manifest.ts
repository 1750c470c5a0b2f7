import { parse, TomlError } from "smol-toml";
import { z } from "zod";
import { DomainError } from "../../base/error/domain-error.ts";

/** What one run added to a backup: names of blobs. A full backup is a step without previous one. */
export interface BackupStep {
  readonly bundlePath: string;
  readonly refPath: string;
  /** The references that the bundle builds upon; empty for none. */
  readonly previousRefPath: string;
  readonly customHooksPath: string;
}

/** All that is needed to bring a repository back; the steps in their order. */
export interface BackupManifest {
  readonly empty: boolean;
  /** There was no repository. */
  readonly nonExistent: boolean;
  readonly steps: readonly BackupStep[];
  /** Empty when not known. */
  readonly objectFormat: string;
  /** A full reference name as text; empty when not known. */
  readonly headReference: string;
}

/** A manifest can't be read. */
export class ManifestError extends DomainError {
  constructor(message: string, options: { cause: unknown }) {
    super("unknown", `read manifest: ${message}`, options);
  }
}

const TEXT = z.string().default("");

const SHAPE = z.object({
  empty: z.boolean().default(false),
  non_existent: z.boolean().default(false),
  object_format: TEXT,
  head_reference: TEXT,
  steps: z
    .array(
      z.object({
        bundle_path: TEXT,
        ref_path: TEXT,
        previous_ref_path: TEXT,
        custom_hooks_path: TEXT,
      }),
    )
    .default([]),
});

/** @throws ManifestError */
export function parseManifest(text: string): BackupManifest {
  try {
    const found = SHAPE.parse(parse(text));
    return {
      empty: found.empty,
      nonExistent: found.non_existent,
      objectFormat: found.object_format,
      headReference: found.head_reference,
      steps: found.steps.map((step) => ({
        bundlePath: step.bundle_path,
        refPath: step.ref_path,
        previousRefPath: step.previous_ref_path,
        customHooksPath: step.custom_hooks_path,
      })),
    };
  } catch (error) {
    if (error instanceof TomlError) {
      const [reason = ""] = error.message.split("\n");
      throw new ManifestError(`toml: ${reason}`, { cause: error });
    }
    throw new ManifestError("toml: a value isn't of the expected type", { cause: error });
  }
}

/** The manifest's file. */
export function formatManifest(manifest: BackupManifest): string {
  const { empty, nonExistent, steps, objectFormat, headReference } = manifest;
  const head = headReference === "" ? "" : `head_reference = ${quote(headReference)}\n`;
  const none = steps.length === 0 ? "steps = []\n" : "";
  const start = `empty = ${empty}\nnon_existent = ${nonExistent}\n${none}`;
  return `${start}object_format = ${quote(objectFormat)}\n${head}${steps.map(formatStep).join("")}`;
}

function formatStep(step: BackupStep): string {
  const fields = [
    ["bundle_path", step.bundlePath],
    ["ref_path", step.refPath],
    ["previous_ref_path", step.previousRefPath],
    ["custom_hooks_path", step.customHooksPath],
  ] as const;
  const lines = fields
    .filter(([, value]) => value !== "")
    .map(([key, value]) => `${key} = ${quote(value)}\n`);
  return `\n[[steps]]\n${lines.join("")}`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: literal strings can't hold them
const NOT_LITERAL = /['\0-\x1f\x7f]/;

function quote(value: string): string {
  if (!NOT_LITERAL.test(value)) return `'${value}'`;
  const escaped = value.replaceAll(/["\\]/g, "\\$&");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return `"${escaped.replaceAll(/[\0-\x1f\x7f]/g, escapeControl)}"`;
}

function escapeControl(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
