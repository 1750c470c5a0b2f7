import { type ObjectFormat, OID_HEX_LENGTH, type Oid } from "../oid/oid.ts";
import { isTextAt } from "./byte-text.ts";
import { type Identity, parseIdentity } from "./identity.ts";
import { CorruptObjectError } from "./object-error.ts";
import { findHeader, type HeaderLine, headerLines, messageOffset } from "./object-headers.ts";
import { type ObjectType, parseObjectType } from "./object-type.ts";
import { parseOidAt } from "./oid-bytes.ts";
import { tagSignatureOffset } from "./signature.ts";

const NEWLINE = 0x0a;

/**
 * An annotated tag, read from its content piece by piece as it is asked for.
 *
 * The object and its type must be well-formed, as for git; the tagger may be missing (tags of
 * 2005 have none) or broken. All byte fields are views into the content.
 */
export class TagObject {
  readonly content: Buffer;
  /** The tagged object. */
  readonly object: Oid;
  readonly objectType: ObjectType;
  /** The name that the tag was given when it was made; its ref may be called otherwise. */
  readonly name: Buffer;

  /** Throws `CorruptObjectError` when object, type or name can't be read. */
  constructor(content: Buffer, format: ObjectFormat) {
    const object = isTextAt(content, 0, "object ") ? parseOidAt(content, 7, format) : undefined;
    const typeLine = 7 + OID_HEX_LENGTH[format];
    if (object === undefined || content[typeLine] !== NEWLINE) {
      throw new CorruptObjectError("bad object pointer in tag");
    }
    const type = lineAfter(content, typeLine + 1, "type ");
    const objectType = type && parseObjectType(type.value.toString("latin1"));
    if (type === undefined || objectType === undefined) {
      throw new CorruptObjectError("unknown type of object in tag");
    }
    const name = lineAfter(content, type.next, "tag ");
    if (name === undefined) throw new CorruptObjectError("tag has no name");
    this.content = content;
    this.object = object;
    this.objectType = objectType;
    this.name = name.value;
  }

  /** Value of the `tagger` line, as it stands there. */
  get taggerLine(): Buffer | undefined {
    return findHeader(this.content, "tagger");
  }

  get tagger(): Identity | undefined {
    const line = this.taggerLine;
    return line === undefined ? undefined : parseIdentity(line);
  }

  /** Everything after the first empty line, a signature at its end included. */
  get message(): Buffer {
    return this.content.subarray(messageOffset(this.content));
  }

  /** The armored signature at the end of the message, when there is one. */
  get signature(): Buffer | undefined {
    const offset = tagSignatureOffset(this.content);
    return offset === this.content.length ? undefined : this.content.subarray(offset);
  }

  /** All header lines in order, values unfolded. */
  headers(): IterableIterator<HeaderLine> {
    return headerLines(this.content);
  }
}

function lineAfter(
  content: Buffer,
  offset: number,
  prefix: string,
): { readonly value: Buffer; readonly next: number } | undefined {
  if (!isTextAt(content, offset, prefix)) return undefined;
  const end = content.indexOf(NEWLINE, offset + prefix.length);
  if (end < 0) return undefined;
  return { value: content.subarray(offset + prefix.length, end), next: end + 1 };
}
