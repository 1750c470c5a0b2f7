import type { RefusedByHookError } from "../../hooks/change/change-errors.ts";
import { messageText } from "../common/message-text.ts";

/**
 * What a reply says of the program that has refused a change: `pre_receive_error`.
 *
 * Throws when that is no UTF-8: there is no reply then, because the protocol has a text there.
 */
export function preReceiveError({ print, reason }: RefusedByHookError): string {
  const spoken = [print.stderr, print.stdout].find((text) => text.trim() !== "") ?? "";
  messageText(spoken);
  return reason;
}
