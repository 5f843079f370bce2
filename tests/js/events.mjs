// node --experimental-websocket events.mjs SDK URL TRANSPORT TEXT…
//
// Says each TEXT on a new thread with `client.threads.stream` of the SDK of that alias, over TRANSPORT ("sse", "websocket"), and
// prints one JSON object: for each TEXT what each projection has given. If a run is interrupted, it is answered with `send`.

const [sdk, apiUrl, transport, ...texts] = process.argv.slice(2);
const { Client } = await import(sdk);
const client = new Client({ apiUrl });

async function all(items, one) {
  const seen = [];
  for await (const item of items) seen.push(await one(item));
  return seen;
}

async function say(text) {
  const thread = client.threads.stream({ assistantId: "scripted", transport });
  const shown = {};
  const running = [
    all(thread.messages, async (message) => await message.text).then((texts) => (shown.messages = texts)),
    all(thread.values, (values) => values.messages?.length ?? 0).then((counts) => (shown.values = counts)),
    all(thread.toolCalls, async ({ name, input, output }) => [name, input, (await output).content]).then((calls) => (shown.toolCalls = calls)),
    all(thread.subgraphs, ({ name, graphName }) => [name, graphName]).then((graphs) => (shown.subgraphs = graphs)),
  ];
  await thread.run.start({ input: { messages: [{ role: "user", content: text }] } });
  if (text === "interrupt") {
    while (thread.interrupts.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const [{ interruptId, namespace, payload }] = thread.interrupts;
    shown.asked = payload;
    await thread.input.respond({ interrupt_id: interruptId, namespace, response: "send" });
  }
  try {
    const output = await thread.output;
    shown.output = output.messages.map(({ content }) => content);
  } catch (error) {
    shown.error = String(error.message ?? error);
  }
  await Promise.race([Promise.allSettled(running), new Promise((resolve) => setTimeout(resolve, 3000))]);
  await thread.close();
  return shown;
}

const shown = {};
for (const text of texts) shown[text] = await say(text);
console.log(JSON.stringify(shown));
process.exit(0);
