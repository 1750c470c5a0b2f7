import { DomainError } from "../../base/error/domain-error.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import type { ConfigPair } from "../../gitcmd/git-command.ts";

/** An entry of `git_config_options` has no `=`. */
export class ConfigOptionError extends DomainError {
  constructor(option: string) {
    super("unknown", `cannot convert invalid config key: ${quoteText(option)}`);
  }
}

/** Splits the `key=value` entries that a request passes on to git. Throws ConfigOptionError. */
export function parseConfigOptions(options: readonly string[]): ConfigPair[] {
  return options.map((option) => {
    const end = option.indexOf("=");
    if (end < 0) throw new ConfigOptionError(option);
    return { key: option.slice(0, end), value: option.slice(end + 1) };
  });
}
