import { dirname } from "node:path";
import { quoteText } from "../../../base/text/quote-text.ts";
import { at, each, type Problem, under, unlessDirectory, unlessSet } from "../problem.ts";
import { type Fields, text } from "../shape.ts";

/** `[[storage]]`: a directory of repositories under a name that clients use. */
export interface StorageSettings {
  readonly name: string;
  /** Without a trailing slash or `..`; not necessarily absolute. */
  readonly path: string;
}

export const STORAGE_DEFAULTS: StorageSettings = { name: "", path: "" };

export const STORAGE_FIELDS: Fields<StorageSettings> = { name: text("name"), path: text("path") };

/** Reads the disk. Names must differ, paths must be directories and may not nest. */
export function checkStorages(storages: readonly StorageSettings[]): readonly Problem[] {
  if (storages.length === 0) return [{ key: [], message: "not set" }];
  return [
    ...each(storages, checkStorage),
    ...storages.flatMap((storage, index) => {
      const earlier = storages.slice(0, index);
      const clashes = earlier.flatMap((other) => checkPair(storage, other));
      return under(`[${index}]`, clashes);
    }),
  ];
}

function checkStorage({ name, path }: StorageSettings): readonly Problem[] {
  return [...at("name", unlessSet(name)), ...at("path", unlessDirectory(path))];
}

function checkPair(storage: StorageSettings, other: StorageSettings): readonly Problem[] {
  const sameName =
    storage.name === other.name ? `not unique: ${quoteText(storage.name)}` : undefined;
  return [...at("name", sameName), ...at("path", overlapReason(storage.path, other.path))];
}

function overlapReason(path: string, other: string): string | undefined {
  if (path === other) return `not unique: ${quoteText(path)}`;
  if (path === "" || other === "") return undefined;
  if (!path.startsWith(other) && !other.startsWith(path)) return undefined;
  // `/srv/a` and `/srv/ab` share a beginning but don't nest.
  if (dirname(path) === dirname(other)) return undefined;
  return `can't nest: ${quoteText(path)} and ${quoteText(other)}`;
}
