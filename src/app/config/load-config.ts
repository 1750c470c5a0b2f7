import { readFile } from "node:fs/promises";
import { parse, TomlError } from "smol-toml";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import { completeConfig } from "./complete-config.ts";
import { CONFIG_DEFAULTS, CONFIG_FIELDS, type Config } from "./config.ts";
import { runConfigCommand } from "./config-command.ts";
import { ConfigError, ConfigSyntaxError, ConfigValueError } from "./config-error.ts";
import { decodeTable } from "./shape.ts";
import { startProblem } from "./start-problem.ts";
import { tomlPosition } from "./toml-position.ts";

/**
 * Loads the configuration that a server is to start with.
 *
 * Throws ConfigError when the file can't be read, isn't valid, or doesn't let a server start.
 */
export async function loadConfigFile(path: string, signal: AbortSignal): Promise<Config> {
  const config = await loadConfig(await readText(path, signal), signal);
  const problem = startProblem(config);
  if (problem !== undefined) throw new ConfigError(`invalid config: ${problem}`);
  return config;
}

/**
 * Reads a TOML document, merges the output of its `config_command`, fetches the token and fills in
 * the defaults. Nothing is validated beyond the types of the values: see `findProblems`.
 *
 * Throws ConfigSyntaxError when the document has a mistake, ConfigError for anything else.
 */
export async function loadConfig(document: string, signal: AbortSignal): Promise<Config> {
  const written = readDocument(document);
  const merged = written.configCommand === "" ? written : await mergeGenerated(written, signal);
  return completeConfig(await withToken(merged, signal));
}

function readDocument(document: string): Config {
  const value = parseToml(document);
  try {
    return decodeTable(CONFIG_FIELDS, { format: "toml", value, path: [] }, CONFIG_DEFAULTS);
  } catch (error) {
    if (!(error instanceof ConfigValueError)) throw error;
    if (error.path === undefined) throw new ConfigError(`load toml: ${error.message}`);
    const { line, column } = tomlPosition(document, error.path);
    throw new ConfigSyntaxError(error.message, line, column);
  }
}

function parseToml(document: string): unknown {
  try {
    return parse(document, { integersAsBigInt: true, unsafeKeyBehaviour: "drop" });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // After the first line, the parser draws the place, which is for people only.
    const [reason = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    throw new ConfigSyntaxError(`toml: ${reason}`, error.line, error.column);
  }
}

async function mergeGenerated(config: Config, signal: AbortSignal): Promise<Config> {
  const output = await runConfigCommand(config.configCommand, signal);
  try {
    const value: unknown = JSON.parse(output);
    return decodeTable(CONFIG_FIELDS, { format: "json", value, path: [] }, config);
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof ConfigValueError)) throw error;
    throw new ConfigError(`unmarshalling generated config: ${error.message}`);
  }
}

async function withToken(config: Config, signal: AbortSignal): Promise<Config> {
  const { auth } = config;
  if (auth.tokenFile === "") return { ...config, auth: { ...auth, resolvedToken: auth.token } };
  try {
    const content = await readFile(auth.tokenFile, { encoding: "utf8", signal });
    const resolvedToken = content.trim() || auth.token;
    return { ...config, auth: { ...auth, resolvedToken } };
  } catch (error) {
    throw new ConfigError(`reading token file: ${systemErrorText(error)}`);
  }
}

async function readText(path: string, signal: AbortSignal): Promise<string> {
  try {
    return await readFile(path, { encoding: "utf8", signal });
  } catch (error) {
    throw new ConfigError(systemErrorText(error), { cause: error });
  }
}

/** The words with which a program that can't load its configuration ends. */
export function loadFailureText(path: string, error: ConfigError): string {
  return `load config: config_path ${quoteText(path)}: ${configErrorText(error)}`;
}

/** A configuration error as one line; mistakes of the document are said to come from there. */
export function configErrorText(error: ConfigError): string {
  return error instanceof ConfigSyntaxError ? `load toml: ${error.message}` : error.message;
}
