import { once } from "node:events";
import { createServer } from "node:http";

/** A stand-in for GitLab's internal API that allows everything. */
export interface GitlabStandIn extends AsyncDisposable {
  readonly url: string;
}

const ANSWERS: Readonly<Record<string, string>> = {
  allowed: '{"status":true}',
  pre_receive: '{"reference_counter_increased":true}',
  post_receive: '{"reference_counter_decreased":true,"messages":[]}',
};

/** Starts it in this process: what it costs isn't the server's. */
export async function startGitlabStandIn(): Promise<GitlabStandIn> {
  const server = createServer((request, response) => {
    const body = ANSWERS[request.url?.split("/").at(-1) ?? ""];
    request.resume().on("end", () => {
      response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(body);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = address === null || typeof address === "string" ? 0 : address.port;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
