import type { MessageInitShape } from "@bufbuild/protobuf";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { ReferenceChangeError, RefusedByHookError } from "../../hooks/change/change-errors.ts";
import type { HookName } from "../../hooks/context/hook-name.ts";
import type { NotAllowedError } from "../../hooks/hook-errors.ts";
import {
  type AccessCheckErrorSchema,
  CustomHookError_HookType,
  type CustomHookErrorSchema,
  type ReferenceUpdateErrorSchema,
} from "../../proto/errors_pb.ts";

const { PRERECEIVE, UPDATE, POSTRECEIVE, UNSPECIFIED } = CustomHookError_HookType;

const HOOK_TYPES: Readonly<Partial<Record<HookName, CustomHookError_HookType>>> = {
  "pre-receive": PRERECEIVE,
  update: UPDATE,
  "post-receive": POSTRECEIVE,
};

/** Tells clients which program of the operator has refused a change, and in which words. */
export function customHookDetail({
  hook,
  print,
}: RefusedByHookError): MessageInitShape<typeof CustomHookErrorSchema> {
  return {
    hookType: HOOK_TYPES[hook] ?? UNSPECIFIED,
    stdout: bytesFromBinary(print.stdout),
    stderr: bytesFromBinary(print.stderr),
  };
}

/** Tells clients what GitLab has said to a change. */
export function accessCheckDetail({
  reason,
  protocol,
  userId,
  changes,
}: NotAllowedError): MessageInitShape<typeof AccessCheckErrorSchema> {
  return { errorMessage: reason, protocol, userId, changes };
}

/** Tells clients which reference couldn't be changed. */
export function referenceUpdateDetail({
  change: { name, oldOid, newOid },
}: ReferenceChangeError): MessageInitShape<typeof ReferenceUpdateErrorSchema> {
  return { referenceName: bytesFromBinary(name), oldOid, newOid };
}
