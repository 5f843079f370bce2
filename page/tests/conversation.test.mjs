import assert from "node:assert/strict";
import { test } from "node:test";
import { Conversation } from "../src/conversation.ts";

const human = { role: "human", content: "What is the weather in Paris?" };
const run = (body) => ({
  method: "POST",
  path: "/runs/stream",
  body: { assistant_id: "agent", ...body },
});
const asked = run({ input: { messages: [human] } });
const message = (type, id, content, more = {}) => ({ type, id, content, ...more });
const event = (name, data) => ({ at: 0, event: name, data });

/** Each item in one line. */
function lines(...exchanges) {
  const conversation = new Conversation();
  for (const [request, events, body] of exchanges) {
    conversation.request(request);
    conversation.response({ status: 200, headers: [], events, body });
  }
  return conversation.items.map(line);
}

function line(item) {
  switch (item.kind) {
    case "message": {
      const text = item.blocks.map((block) => block.text ?? block.kind).join("+");
      const calls = item.toolCalls.map(
        (call) =>
          ` ${call.name}(${JSON.stringify(call.args)})=${call.result ? line(call.result) : "?"}`,
      );
      const where = [
        item.isEarlier ? "earlier " : "",
        item.role,
        item.node && `@${item.node}`,
        item.namespace && `|${item.namespace}`,
      ];
      return `${where.join("")}: ${text}${calls.join("")}`;
    }
    case "note":
      return `note ${item.title} ${JSON.stringify(item.values)}`;
    case "interrupt":
      return `interrupt ${JSON.stringify(item.value)}`;
    case "error":
      return `error ${item.error}: ${item.message}`;
    default:
      return item.kind;
  }
}

const call = { id: "call_1", name: "get_weather", args: { city: "Paris" } };
const WEATHER = [
  "human: What is the weather in Paris?",
  'ai: Let me look. get_weather({"city":"Paris"})=tool: 21 °C',
  "ai: It is 21 °C.",
];
const looking = message("ai", "a1", "Let me look.", { tool_calls: [call] });
const result = message("tool", "t1", "21 °C", { tool_call_id: "call_1" });
const final = message("ai", "a2", "It is 21 °C.");
const first = { ...human, type: "human", id: "h1" };

test("the mode values", () => {
  const events = [
    event("metadata", { run_id: "r" }),
    event("values", { messages: [first] }),
    event("values", { messages: [first, looking] }),
    event("values", { messages: [first, looking, result] }),
    event("values", { messages: [first, looking, result, final] }),
  ];
  assert.deepEqual(lines([asked, events]), WEATHER);
});

test("a state in which the call and its result come together", () => {
  assert.deepEqual(lines([asked, [], { messages: [first, looking, result, final] }]), WEATHER);
});

test("the mode updates", () => {
  const events = [
    event("updates", { agent: { messages: [looking] } }),
    event("updates", { tools: { messages: [result], calls: 1 } }),
    event("updates", { agent: { messages: [final] } }),
  ];
  assert.deepEqual(lines([asked, events]), [
    WEATHER[0],
    'ai@agent: Let me look. get_weather({"city":"Paris"})=tool@tools: 21 °C',
    'note tools [{"calls":1}]',
    "ai@agent: It is 21 °C.",
  ]);
});

const chunk = (id, content, more = {}) => ({ type: "AIMessageChunk", id, content, ...more });
const argument = (args, more = {}) => ({ tool_call_chunks: [{ index: 0, args, ...more }] });

test("the mode messages-tuple", () => {
  const metadata = { langgraph_node: "agent" };
  const events = [
    event("messages", [chunk("a1", "Let "), metadata]),
    event("messages", [chunk("a1", "me look."), metadata]),
    event("messages", [
      chunk("a1", "", argument('{"city"', { id: "call_1", name: "get_weather" })),
      metadata,
    ]),
    event("messages", [chunk("a1", "", argument(':"Paris"}')), metadata]),
    event("messages", [result, { langgraph_node: "tools" }]),
    event("messages", [chunk("a2", "It is "), metadata]),
    event("messages", [chunk("a2", "21 °C."), metadata]),
  ];
  assert.deepEqual(lines([asked, events]), [
    WEATHER[0],
    `ai@agent: Let me look. get_weather(${JSON.stringify('{"city":"Paris"}')})=tool@tools: 21 °C`,
    "ai@agent: It is 21 °C.",
  ]);
});

test("chunks, and the whole message in another mode, are one message", () => {
  const id = "lc_run--01a204c7-f513-73b3-af45-50eab2c133b1";
  const events = [
    event("messages", [chunk(id, "It is "), {}]),
    event("events", { event: "on_chat_model_stream", data: { chunk: chunk(id, "It is ") } }),
    event("messages", [chunk(id, "21 °C."), {}]),
    event("events", { event: "on_chat_model_stream", data: { chunk: chunk(id, "21 °C.") } }),
    event("updates", { agent: { messages: [message("ai", `${id}-0`, "It is 21 °C.")] } }),
  ];
  assert.deepEqual(lines([asked, events]), [WEATHER[0], "ai@agent: It is 21 °C."]);
});

test("chunks without an id are one message", () => {
  const events = [
    event("messages", [chunk(null, "It is "), {}]),
    event("messages", [chunk(null, "21 °C."), {}]),
  ];
  assert.deepEqual(lines([asked, events]), [WEATHER[0], "ai: It is 21 °C."]);
});

test("the mode messages", () => {
  const events = [
    event("messages/metadata", { a2: { metadata: { langgraph_node: "agent" } } }),
    event("messages/partial", [message("ai", "a2", "It is ")]),
    event("messages/partial", [message("ai", "a2", "It is 21 °C.")]),
    event("messages/complete", [message("ai", "a3", "Anything else?")]),
  ];
  assert.deepEqual(lines([asked, events]), [
    WEATHER[0],
    "ai@agent: It is 21 °C.",
    "ai: Anything else?",
  ]);
});

test("the mode events", () => {
  const metadata = { langgraph_node: "agent" };
  const events = [
    event("events", {
      event: "on_chain_start",
      data: { input: { messages: [human] } },
      parent_ids: [],
    }),
    event("events", {
      event: "on_chat_model_stream",
      data: { chunk: chunk("a2", "It is ") },
      metadata,
    }),
    event("events", { event: "on_chat_model_end", data: { output: final }, metadata }),
    event("events", {
      event: "on_chain_end",
      data: { output: { messages: [first, final] } },
      parent_ids: [],
    }),
  ];
  assert.deepEqual(lines([asked, events]), [WEATHER[0], "ai@agent: It is 21 °C."]);
});

test("the modes debug and tasks", () => {
  const task = { id: "1", name: "agent", input: { messages: [first] } };
  const done = { id: "1", name: "agent", result: { messages: [final] }, interrupts: [] };
  const expected = [WEATHER[0], "ai@agent: It is 21 °C."];
  assert.deepEqual(lines([asked, [event("tasks", task), event("tasks", done)]]), expected);
  const debug = [task, done].map((payload) => event("debug", { type: "task", payload }));
  assert.deepEqual(lines([asked, debug]), expected);
  const pairs = { ...done, result: [["messages", [final]]] };
  assert.deepEqual(lines([asked, [event("tasks", pairs)]]), expected);
});

test("custom events that follow one another are one note", () => {
  const events = [event("custom", { reading: 1 }), event("custom", "half")];
  assert.deepEqual(lines([asked, events]), [WEATHER[0], 'note custom [{"reading":1},"half"]']);
});

test("an interrupt, in two modes, and its resume", () => {
  const interrupt = { __interrupt__: [{ id: "i1", value: "Send it?" }] };
  const stopped = [
    event("updates", interrupt),
    event("values", { messages: [first], ...interrupt }),
  ];
  const resumed = run({ command: { resume: "yes" }, stream_mode: ["values"] });
  const events = [
    event("values", { messages: [first] }),
    event("values", { messages: [first, final] }),
  ];
  const all = [WEATHER[0], 'interrupt "Send it?"', 'note resume ["yes"]', "ai: It is 21 °C."];
  assert.deepEqual(lines([asked, stopped], [resumed, events]), all);
  assert.deepEqual(lines([resumed, events]), [
    `earlier ${WEATHER[0]}`,
    'note resume ["yes"]',
    "ai: It is 21 °C.",
  ]);
});

test("a run that fails", () => {
  const failure = { error: "ValueError", message: "kaboom" };
  assert.deepEqual(lines([asked, [event("error", failure)]]), [
    WEATHER[0],
    "error ValueError: kaboom",
  ]);
  assert.deepEqual(lines([asked, [], { __error__: failure }]), [
    WEATHER[0],
    "error ValueError: kaboom",
  ]);
  assert.deepEqual(lines([asked, [], { __error__: JSON.stringify(failure) }]), [
    WEATHER[0],
    "error ValueError: kaboom",
  ]);
});

test("a response with an error status", () => {
  const conversation = new Conversation();
  conversation.response({ status: 422, headers: [], body: { detail: "Invalid assistant" } });
  conversation.response({ status: 502, headers: [], text: "Bad gateway" });
  assert.deepEqual(conversation.items.map(line), [
    "error status 422: Invalid assistant",
    "error status 502: Bad gateway",
  ]);
});

test("the messages that a thread had before are earlier ones", () => {
  const before = [message("human", "h0", "hi"), message("ai", "a0", "Hello!")];
  const expected = ["earlier human: hi", "earlier ai: Hello!", WEATHER[0], "ai: It is 21 °C."];
  assert.deepEqual(
    lines([
      asked,
      [
        event("values", { messages: [...before, first] }),
        event("values", { messages: [...before, first, final] }),
      ],
    ]),
    expected,
  );
  assert.deepEqual(lines([asked, [], { messages: [...before, first, final] }]), expected);
  const history = run({ input: { messages: [...before, human] } });
  assert.deepEqual(lines([history, [event("updates", { agent: { messages: [final] } })]]), [
    "earlier human: hi",
    "earlier ai: Hello!",
    WEATHER[0],
    "ai@agent: It is 21 °C.",
  ]);
});

test("two turns with the same words are two messages", () => {
  const yes = run({ input: { messages: [{ role: "user", content: "yes" }] } });
  const turn = (...messages) => [event("values", { messages })];
  const [h1, h2] = [message("human", "h1", "yes"), message("human", "h2", "yes")];
  const [a1, a2] = [message("ai", "a1", "ok"), message("ai", "a2", "ok")];
  assert.deepEqual(lines([yes, turn(h1, a1)], [yes, turn(h1, a1, h2, a2)]), [
    "human: yes",
    "ai: ok",
    "human: yes",
    "ai: ok",
  ]);
});

test("a subgraph keeps its name", () => {
  const events = [
    event("updates|inner:abc", { agent: { messages: [final] } }),
    event("values", { messages: [first, final], topic: "weather" }),
  ];
  assert.deepEqual(lines([asked, events]), [WEATHER[0], "ai@agent|inner:abc: It is 21 °C."]);
});

test("content blocks", () => {
  const content = [
    { type: "reasoning", reasoning: "Paris is in France." },
    { type: "text", text: "Look:" },
    { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
    { type: "image_url", image_url: { url: "https://evil.example/pixel.png" } },
    { type: "image", source: { type: "base64", media_type: "image/svg+xml", data: "AAAA" } },
    { type: "tool_use", id: "call_1", name: "get_weather", input: { city: "Paris" } },
  ];
  assert.deepEqual(lines([asked, [event("messages/complete", [message("ai", "a1", content)])]]), [
    WEATHER[0],
    'ai: Paris is in France.+Look:+image+other+other get_weather({"city":"Paris"})=?',
  ]);
});

test("every spelling of a message", () => {
  const messages = [
    ["user", "a"],
    { role: "assistant", content: "b" },
    "c",
    { type: "remove", id: "h1", content: "" },
  ];
  assert.deepEqual(lines([run({ input: { messages } }), []]), [
    "earlier human: a",
    "earlier ai: b",
    "human: c",
    'note remove ["h1"]',
  ]);
  assert.deepEqual(lines([run({ input: { topic: "x" } }), []]), ['note input [{"topic":"x"}]']);
});

const protocol = (method, data, namespace = []) =>
  event(method, { type: "event", method, params: { namespace, data } });
const commands = (method, params) => ({
  method: "POST",
  path: "/threads/t/commands",
  body: { id: 1, method, params },
});

test("the event-stream protocol", () => {
  const events = [
    protocol("lifecycle", { event: "running" }),
    protocol("values", { messages: [first] }),
    protocol("messages", { event: "message-start", role: "ai", id: "a1" }),
    protocol("messages", {
      event: "content-block-start",
      index: 0,
      content: { type: "text", text: "" },
    }),
    protocol("messages", {
      event: "content-block-delta",
      index: 0,
      delta: { type: "text-delta", text: "Let me " },
    }),
    protocol("messages", {
      event: "content-block-delta",
      index: 0,
      delta: { type: "text-delta", text: "look." },
    }),
    protocol("messages", {
      event: "content-block-start",
      index: 1,
      content: { type: "tool_call_chunk", id: "call_1", name: "get_weather", args: "" },
    }),
    protocol("messages", {
      event: "content-block-delta",
      index: 1,
      delta: { type: "tool-call-delta", args: '{"city"' },
    }),
    protocol("messages", {
      event: "content-block-finish",
      index: 1,
      content: { type: "tool_call", ...call },
    }),
    protocol("tools", { event: "tool-finished", tool_call_id: "call_1", output: result }, [
      "tools:1",
    ]),
    protocol("messages", { event: "message-start", role: "tool", id: "t1" }, ["tools:1"]),
    protocol("values", { messages: [first, looking, result, final] }),
    protocol("input.requested", { interrupt_id: "i1", payload: "More?" }),
    protocol("lifecycle", { event: "failed", error: "kaboom" }),
  ];
  const start = commands("run.start", {
    assistant_id: "agent",
    input: { messages: [{ ...human, id: "h1" }] },
  });
  const answer = commands("input.respond", { interrupt_id: "i1", response: "no" });
  assert.deepEqual(
    lines(
      [start, []],
      [{ method: "POST", path: "/threads/t/stream/events", body: {} }, events],
      [answer, []],
    ),
    [
      WEATHER[0],
      'ai: Let me look. get_weather({"city":"Paris"})=tool|tools:1: 21 °C',
      WEATHER[2],
      'interrupt "More?"',
      "error failed: kaboom",
      'note resume ["no"]',
    ],
  );
});

test("the state and the history of a thread", () => {
  const state = {
    values: { messages: [first, final] },
    next: [],
    tasks: [{ interrupts: [{ id: "i1", value: 1 }] }],
  };
  const expected = [WEATHER[0], WEATHER[2], "interrupt 1"];
  const read = { method: "GET", path: "/threads/t/state" };
  assert.deepEqual(lines([read, undefined, state]), expected);
  assert.deepEqual(lines([read, undefined, [state, {}]]), expected);
  assert.deepEqual(lines([read, undefined, { thread_id: "t", values: null }]), []);
});

test("the other values of the last state", () => {
  const conversation = new Conversation();
  conversation.event(event("values", { messages: [], topic: "weather" }));
  assert.deepEqual(conversation.state, { topic: "weather" });
});

test("data of any other shape is no failure", () => {
  const values = [
    null,
    1,
    "x",
    [],
    {},
    [null],
    [[]],
    { messages: 1 },
    { messages: [null, 1, {}, { type: 1 }] },
    { data: 1 },
  ];
  const names = [
    "values",
    "updates",
    "messages",
    "messages/partial",
    "messages/metadata",
    "events",
    "debug",
    "tasks",
    "custom",
    "error",
    "",
  ];
  for (const value of values) {
    for (const name of names) lines([asked, [event(name, value)]]);
    for (const method of [
      "values",
      "updates",
      "messages",
      "tools",
      "tasks",
      "input.requested",
      "lifecycle",
    ])
      lines([asked, [protocol(method, value)]]);
    lines([{ method: "POST", path: "/runs/wait", body: value }, [], value]);
    lines([run({ input: value, command: value }), []]);
  }
});
