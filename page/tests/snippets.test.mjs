// A run as curl, Python and JavaScript. tests/page/test_try.py runs what these print.

import assert from "node:assert/strict";
import { test } from "node:test";
import { toCurl, toJavaScript, toPython } from "../src/try/snippets";

const run = (text, changes = {}) => ({
  url: "http://127.0.0.1:8123",
  graph: "agent",
  modes: ["values", "custom"],
  input: { messages: [{ role: "human", content: text }], deep: [null, true, false, 1.5] },
  hasThread: false,
  ...changes,
});

test("a stateless run", () => {
  assert.equal(
    toCurl(run("it's"), "ID"),
    `curl -sN http://127.0.0.1:8123/runs/stream -H 'content-type: application/json' -d '{"assistant_id":"agent","input":{"messages":[{"role":"human","content":"it'\\''s"}],"deep":[null,true,false,1.5]},"stream_mode":["values","custom"]}'`,
  );
  assert.equal(
    toPython(run("it's")),
    `from langgraph_sdk import get_sync_client

client = get_sync_client(url="http://127.0.0.1:8123")
for chunk in client.runs.stream(
    None,
    "agent",
    input={"messages": [{"role": "human", "content": "it's"}], "deep": [None, True, False, 1.5]},
    stream_mode=["values", "custom"],
):
    print(chunk.event, chunk.data)
`,
  );
  assert.equal(
    toJavaScript(run("it's")),
    `import { Client } from "@langchain/langgraph-sdk";

const client = new Client({ apiUrl: "http://127.0.0.1:8123" });
const stream = client.runs.stream(null, "agent", {
  input: {"messages":[{"role":"human","content":"it's"}],"deep":[null,true,false,1.5]},
  streamMode: ["values","custom"],
});
for await (const { event, data } of stream) console.log(event, data);
`,
  );
});

test("a run on a new thread", () => {
  const onThread = run("hi", { hasThread: true });

  assert.match(
    toCurl(onThread, "ID"),
    /^curl -sN \S+\/threads .*"thread_id":"ID".*&&\ncurl -sN \S+\/threads\/ID\/runs\/stream /s,
  );
  assert.match(toPython(onThread), /^thread = client\.threads\.create\(\)$/m);
  assert.match(toPython(onThread), /^ {4}thread\["thread_id"\],$/m);
  assert.match(toJavaScript(onThread), /^const thread = await client\.threads\.create\(\);$/m);
  assert.match(toJavaScript(onThread), /stream\(thread\.thread_id, /);
});

test("hidden letters are escaped, others are not", () => {
  const text = "ü 日本 😀 \u202e\u2028\u{e0041}\u0000";

  for (const code of [toCurl(run(text), "ID"), toJavaScript(run(text))])
    assert.ok(code.includes("ü 日本 😀 \\u202e\\u2028\\udb40\\udc41\\u0000"), code);
  assert.ok(toPython(run(text)).includes("ü 日本 😀 \\u202e\\u2028\\U000e0041\\u0000"));
});
