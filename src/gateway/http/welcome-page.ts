/** What a person sees who opens the gateway in a browser. */
export function welcomePage(host: string | undefined): string {
  const base = `http://${escapeHtml(host ?? "localhost")}`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>gitaly-ts</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 4rem auto; padding: 0 1rem }
pre { background: #f4f4f4; padding: 1rem; overflow-x: auto }
</style>
<h1>gitaly-ts</h1>
<p>This is a git server. Push a repository and clone it again:</p>
<pre>git push ${base}/my/project.git HEAD:main
git clone ${base}/my/project.git</pre>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
