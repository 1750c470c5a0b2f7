import { quoteText } from "../../../base/text/quote-text.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;

/** Why `text` isn't a UUID, in the reference server's words; undefined when it is one. */
export function uuidReason(text: string): string | undefined {
  const reason = syntaxReason(text);
  return reason === undefined ? undefined : `invalid UUID format for ClusterID: ${reason}`;
}

function syntaxReason(text: string): string | undefined {
  const length = Buffer.byteLength(text);
  switch (length) {
    case 36:
      return unless(UUID.test(text));
    case 45:
      if (/^urn:uuid:/i.test(text)) return unless(UUID.test(text.slice(9)));
      return `invalid urn prefix: ${quoteText(text.slice(0, 9))}`;
    case 38:
      return unless(UUID.test(text.slice(1)));
    case 32:
      return unless(/^[0-9a-f]{32}$/i.test(text));
    default:
      return `invalid UUID length: ${length}`;
  }
}

function unless(isValid: boolean): string | undefined {
  return isValid ? undefined : "invalid UUID format";
}
