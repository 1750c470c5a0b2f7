import { RepositoryService } from "../../proto/repository_pb.ts";
import { dial } from "../../rpc/client/channel.ts";
import { createClient } from "../../rpc/client/client.ts";
import { callFailureText } from "../call-failure-text.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { configErrorText, loadConfigFile } from "../config/load-config.ts";
import type { Command, Invocation } from "./command.ts";
import { serverAddress } from "./server-address.ts";

/** `gitaly bundle-uri`: has the running server make a bundle of a repository. */
export const bundleUriCommand: Command = {
  name: "bundle-uri",
  usage: "Generate bundle URI bundle",
  usageText: `gitaly bundle-uri --storage=<storage-name> --repository=<relative-path> --config=<gitaly_config_file>

Example: gitaly bundle-uri --storage=default --repository=ab/cd/ef012345678901234567890 --config=config.toml`,
  description: "Generate a bundle for bundle-URI for the given repository.",
  flags: {
    storage: { kind: "text", usage: "storage containing the repository" },
    repository: {
      kind: "text",
      usage: "repository to generate bundle-URI for",
      isRequired: true,
    },
    config: { kind: "text", usage: "path to Gitaly configuration", short: "c", isRequired: true },
  },
  run: generateBundle,
};

async function generateBundle({ flags, signal }: Invocation): Promise<number> {
  const config = await loadConfigFile(flags.text("config"), signal).catch((error: unknown) => {
    if (!(error instanceof ConfigError)) throw error;
    throw new Error(`load config: ${configErrorText(error)}`);
  });
  const storageName = flags.text("storage") || onlyStorage(config);
  const repository = { storageName, relativePath: flags.text("repository") };
  const token = config.auth.resolvedToken;
  await using channel = dial(addressOf(config), token === "" ? {} : { token });
  try {
    await createClient(RepositoryService, channel).generateBundleURI({ repository }, { signal });
  } catch (error) {
    throw new Error(callFailureText(error), { cause: error });
  }
  return 0;
}

function onlyStorage({ storages }: Config): string {
  const [only, ...others] = storages;
  if (only === undefined || others.length > 0) {
    throw new Error("multiple storages configured: use --storage to target storage explicitly");
  }
  return only.name;
}

function addressOf(config: Config): string {
  try {
    return serverAddress(config);
  } catch (error) {
    throw new Error(`get Gitaly address: ${callFailureText(error)}`, { cause: error });
  }
}
