// node faults.mjs SDK URL [CASE…]
//
// Arms each fault at the server of URL, makes a call with the SDK of that alias ("sdk-1", "sdk-2"), and prints one JSON object:
// CASE -> {events or messages, error?, asked}. `asked` are the requests that the call has made, with their status and source.
// Each CASE is such as 'wait {"cut":2}'; without a fault, such as 'wait', none is armed.

const [sdk, apiUrl, ...cases] = process.argv.slice(2);
const { Client } = await import(sdk);
const input = { messages: [{ role: "human", content: "Hello!" }] };

const client = new Client({ apiUrl, apiKey: null });
const control = `${apiUrl}/__mockserver__`;

async function stream(answer, thread, options) {
  answer.events = [];
  for await (const { event } of client.runs.stream(thread, "agent", { input, streamMode: "values", ...options })) answer.events.push(event);
}

const CALLS = {
  stateless: (answer) => stream(answer, null),
  thread: (answer, thread) => stream(answer, thread),
  resumable: (answer, thread) => stream(answer, thread, { streamResumable: true }),
  impatient: (answer, thread) => stream(answer, thread, { streamResumable: true, streamIdleReconnect: 300 }),
  wait: async (answer) => (answer.value = (await client.runs.wait(null, "agent", { input })).messages.length),
  state: async (answer, thread) => (answer.value = (await client.threads.getState(thread)).next.length),
};

const PATHS = { wait: "/runs/wait", state: "/state" };

const answers = {};
for (const name of cases) {
  const [call, fault] = name.split(/ (.*)/s);
  await fetch(`${control}/reset`, { method: "POST" });
  const { thread_id } = await client.threads.create();
  if (fault) {
    const body = JSON.stringify({ fault: JSON.parse(fault), path: PATHS[call] ?? "/runs/stream" });
    const armed = await fetch(`${control}/faults`, { method: "POST", body });
    if (!armed.ok) throw new Error(await armed.text());
  }
  const answer = {};
  try {
    await CALLS[call](answer, thread_id);
  } catch (error) {
    answer.error = error.status ? `HTTP ${error.status}` : error.name;
  }
  const { requests } = await (await fetch(`${control}/journal`)).json();
  answer.asked = requests.slice(1).map(({ method, path, status, source }) => `${method} ${path.replaceAll(/[0-9a-f-]{36}/g, "*")} ${status} ${source}`);
  answers[name] = answer;
}
console.log(JSON.stringify(answers));
