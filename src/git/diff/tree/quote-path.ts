const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** All but printable ASCII, and what has a meaning in quotation marks. */
const STRANGE = /[^ !#-[\]-~]/;

/** Puts a path in quotation marks if it has strange bytes, as git does. Binary strings. */
export function quotePath(path: string, prefix: string = ""): string {
  const whole = prefix + path;
  return STRANGE.test(whole) ? `"${whole.replace(/[^ !#-[\]-~]/g, escapeByte)}"` : whole;
}

function escapeByte(byte: string): string {
  return ESCAPES[byte] ?? `\\${byte.charCodeAt(0).toString(8).padStart(3, "0")}`;
}
