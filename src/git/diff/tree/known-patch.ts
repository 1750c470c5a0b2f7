/** The hunks of a patch, or that one of the files is no text. */
export type KnownPatch = Buffer | "binary";
