// A run as code that can be pasted: curl, Python, JavaScript. Pure functions.

import type { Json, JsonObject } from "../api";
import { quoteShell } from "../format";

export interface Run {
  /** The URL of the server, without a slash at the end. */
  url: string;
  graph: string;
  modes: string[];
  input: JsonObject;
  /** Whether the run is on a new thread, or on none. */
  hasThread: boolean;
}

/** Return the body of the request that starts a run with this *payload*. */
export function createBody(
  { graph, modes }: Pick<Run, "graph" | "modes">,
  payload: { input: JsonObject } | { command: { resume: Json } },
): JsonObject {
  return { assistant_id: graph, ...payload, stream_mode: modes };
}

/** Return the command; *thread* is the id of the new thread. */
export function toCurl(run: Run, thread: string): string {
  const post = (path: string, body: JsonObject) =>
    `curl -sN ${quoteShell(run.url + path)} -H 'content-type: application/json' -d ${quoteShell(json(body))}`;
  const body = createBody(run, { input: run.input });
  if (!run.hasThread) return post("/runs/stream", body);
  const create = post("/threads", { thread_id: thread });
  return `${create} >/dev/null &&\n${post(`/threads/${thread}/runs/stream`, body)}`;
}

export function toPython({ url, graph, modes, input, hasThread }: Run): string {
  return [
    "from langgraph_sdk import get_sync_client",
    "",
    `client = get_sync_client(url=${python(url)})`,
    ...(hasThread ? ["thread = client.threads.create()"] : []),
    "for chunk in client.runs.stream(",
    `    ${hasThread ? 'thread["thread_id"]' : "None"},`,
    `    ${python(graph)},`,
    `    input=${python(input)},`,
    `    stream_mode=${python(modes)},`,
    "):",
    "    print(chunk.event, chunk.data)",
    "",
  ].join("\n");
}

export function toJavaScript({ url, graph, modes, input, hasThread }: Run): string {
  return [
    'import { Client } from "@langchain/langgraph-sdk";',
    "",
    `const client = new Client({ apiUrl: ${json(url)} });`,
    ...(hasThread ? ["const thread = await client.threads.create();"] : []),
    `const stream = client.runs.stream(${hasThread ? "thread.thread_id" : "null"}, ${json(graph)}, {`,
    `  input: ${json(input)},`,
    `  streamMode: ${json(modes)},`,
    "});",
    "for await (const { event, data } of stream) console.log(event, data);",
    "",
  ].join("\n");
}

/** Letters that are invisible, or that change the direction of those around them. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

const escapeUnits = (letter: string) =>
  [...Array(letter.length).keys()]
    .map((index) => `\\u${letter.charCodeAt(index).toString(16).padStart(4, "0")}`)
    .join("");

/** Return *value* as JSON in which hidden letters are escaped. It is a JavaScript literal, too. */
const json = (value: Json) => JSON.stringify(value).replace(HIDDEN, escapeUnits);

/** Return *value* as a Python literal. */
function python(value: Json): string {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "number") return JSON.stringify(value);
  if (typeof value === "string")
    return JSON.stringify(value).replace(HIDDEN, (letter) => {
      if (letter.length === 1) return escapeUnits(letter);
      // Python does not join two surrogates.
      return `\\U${(letter.codePointAt(0) ?? 0).toString(16).padStart(8, "0")}`;
    });
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  const pairs = Object.entries(value).map(([key, part]) => `${python(key)}: ${python(part)}`);
  return `{${pairs.join(", ")}}`;
}
