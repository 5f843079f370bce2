// node calls.mjs SDK URL [CALL]
//
// Makes the four documented calls (or the one named CALL) with the SDK of that alias ("sdk-1", "sdk-2") and prints one JSON
// object: CALL -> {value, run?, error?}. A call that throws is an answer too; only a wrong command line exits non-zero.
// CALL may be one of MORE, too, which nobody makes who does not name it; `more` makes all of them.

const [sdk, apiUrl, only] = process.argv.slice(2);

const input = {
  messages: [
    { role: "human", content: "Hello! My name is Bagatur and I am 26 years old." },
  ],
};

// Each call fills in its answer as it goes, so that a stream which breaks off still shows what came before.
const CALLS = {
  async stream(answer) {
    answer.value = [];
    const onRunCreated = (run) => (answer.run = run);
    const chunks = client.runs.stream(null, "agent", { input, streamMode: "updates", onRunCreated });
    for await (const chunk of chunks) answer.value.push(chunk);
  },
  async wait(answer) {
    const onRunCreated = (run) => (answer.run = run);
    answer.value = await client.runs.wait(null, "agent", { input, onRunCreated });
  },
  async search(answer) {
    answer.value = await client.assistants.search({ graphId: "agent", offset: 0, limit: 10 });
  },
  async create(answer) {
    answer.value = await client.threads.create();
  },
};

const MORE = {
  async tuples(answer) {
    answer.value = [];
    const chunks = client.runs.stream(null, "agent", { input, streamMode: "messages-tuple" });
    for await (const chunk of chunks) answer.value.push(chunk);
  },
  async modes(answer) {
    answer.value = [];
    const streamMode = ["updates", "messages-tuple", "values"];
    const chunks = client.runs.stream(null, "my-own-graph", { input, streamMode });
    for await (const chunk of chunks) answer.value.push(chunk);
  },
  async assistant(answer) {
    const [found] = await client.assistants.search({ graphId: "agent" });
    const id = found.assistant_id;
    answer.value = {
      found,
      got: await client.assistants.get(id),
      graph: await client.assistants.getGraph(id),
      schemas: await client.assistants.getSchemas(id),
    };
  },
  async thread(answer) {
    const metadata = { made: "by the JS SDK" };
    const made = await client.threads.create({ metadata });
    answer.value = {
      made,
      got: await client.threads.get(made.thread_id),
      found: await client.threads.search({ metadata }),
    };
  },
};

// A conversation on a thread, whose run is interrupted, resumed, and joined when it is over.
const LONGER = {
  async threads(answer) {
    const { thread_id } = await client.threads.create();
    const say = (text) => ({ input: { messages: [{ role: "human", content: text }] } });
    const events = [];
    const streamMode = ["values", "messages-tuple"];
    for await (const { event } of client.runs.stream(thread_id, "agent", { ...say("Ask me something"), streamMode })) {
      events.push(event);
    }
    const { tasks } = await client.threads.getState(thread_id);
    const resumed = await client.runs.wait(thread_id, "agent", { command: { resume: "tea" } });
    const run = await client.runs.create(thread_id, "agent", { ...say("Hi"), streamResumable: true });
    await client.runs.join(thread_id, run.run_id);
    const joined = [];
    const again = client.runs.joinStream(thread_id, run.run_id, { lastEventId: "-1" });
    for await (const { event } of again) joined.push(event);
    const state = await client.threads.getState(thread_id);
    const history = await client.threads.getHistory(thread_id, { limit: 50 });
    const asked = tasks.flatMap((task) => task.interrupts.map((one) => one.value.question));
    answer.value = { events, asked, resumed, joined, state, history: history.length };
  },
};

// `text` is the body of an HTTP answer; `cause` is where fetch keeps the reason of a broken connection.
function readable({ name, message, status, text, cause }) {
  return { name, message, status, text, cause: cause && String(cause) };
}

const all = { ...CALLS, ...MORE, ...LONGER };
if (!apiUrl || (only && only !== "more" && !(only in all))) {
  console.error(`usage: node calls.mjs SDK URL [${Object.keys(all).join("|")}|more]`);
  process.exit(2);
}
const { Client } = await import(sdk);
// No key from the environment; the SDK's own retries stay as every user has them.
const client = new Client({ apiUrl, apiKey: null });
const answers = {};
for (const call of only === "more" ? Object.keys(MORE) : only ? [only] : Object.keys(CALLS)) {
  answers[call] = {};
  try {
    await all[call](answers[call]);
  } catch (error) {
    answers[call].error = readable(error);
  }
}
console.log(JSON.stringify(answers));
