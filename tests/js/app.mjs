// node app.mjs PORT SERVER
//
// Somebody's app: a page with one question and its answer, which talks to SERVER with the SDK, from a port of its own.

import { createServer } from "node:http";
import { build } from "esbuild";

const [port, server] = process.argv.slice(2);
const SOURCE = `
import { Client } from "sdk-1";

const client = new Client({ apiUrl: ${JSON.stringify(server)} });
const list = document.querySelector("ul");
const say = (text) => list.append(Object.assign(document.createElement("li"), { textContent: text }));
document.querySelector("button").onclick = async () => {
  const content = document.querySelector("input").value;
  say(content);
  let answer = "nothing";
  try {
    const input = { messages: [{ role: "human", content }] };
    for await (const { event, data } of client.runs.stream(null, "agent", { input, streamMode: "values" }))
      if (event === "values") answer = data.messages.at(-1).content;
  } catch {
    answer = "Sorry.";
  }
  say(answer);
};
`;
const PAGE = `<!doctype html><title>Chat</title><link rel="icon" href="data:,"><ul></ul><input><button>Send</button>
<script type="module" src="page.js"></script>`;

const stdin = { contents: SOURCE, resolveDir: import.meta.dirname };
const { outputFiles } = await build({ stdin, bundle: true, format: "esm", write: false });
createServer((request, response) => {
  const [type, body] = request.url === "/page.js" ? ["text/javascript", outputFiles[0].text] : ["text/html", PAGE];
  response.setHeader("content-type", type).end(body);
}).listen(port, "127.0.0.1");
