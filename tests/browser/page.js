// Posts to SERVER/runs/stream as a frontend on another origin would, and shows in the DOM all that a script may see of the answer.
// Opened with ?server=URL it starts by itself, with the JSON of &body= or the greeting; run(server, body) starts it by hand.

const GREETING = {
  assistant_id: "agent",
  input: {
    messages: [{ role: "human", content: "Hello! My name is Bagatur and I am 26 years old." }],
  },
  stream_mode: "updates",
};

const $ = (id) => document.getElementById(id);
const show = (state) => (document.body.dataset.state = state);

function showHeaders(headers) {
  for (const [name, value] of headers) {
    const term = document.createElement("dt");
    const definition = document.createElement("dd");
    term.textContent = name;
    definition.dataset.name = name;
    definition.textContent = value;
    $("headers").append(term, definition);
  }
}

// One <li> a block: its event, id or comment as data-*, its data as text, and the milliseconds since the request as data-at.
function showBlock(block, at) {
  const item = document.createElement("li");
  const lines = [];
  item.dataset.at = at;
  for (const line of block.split(/\r\n|\r|\n/)) {
    const [, field, value] = line.match(/^([^:]*):? ?(.*)$/s);
    if (field === "data") lines.push(value);
    else item.dataset[field || "comment"] = value;
  }
  item.textContent = lines.join("\n");
  $("events").append(item);
}

async function showStream(body, since) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (text + value).split(/\r\n\r\n|\n\n|\r\r/);
    text = blocks.pop();
    for (const block of blocks) showBlock(block, Math.round(performance.now() - since));
  }
}

export async function run(server, body = GREETING) {
  for (const id of ["status", "detail", "headers", "events"]) $(id).replaceChildren();
  show("waiting");
  const since = performance.now();
  try {
    const response = await fetch(`${server}/runs/stream`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    $("status").textContent = response.status;
    showHeaders(response.headers);
    if (!response.ok) {
      $("detail").textContent = (await response.json()).detail;
      return show("refused");
    }
    show("streaming");
    await showStream(response.body, since);
    show("done");
  } catch (error) {
    $("detail").textContent = error;
    show("failed");
  }
}

globalThis.run = run;
const query = new URLSearchParams(location.search);
if (query.has("server")) run(query.get("server"), query.has("body") ? JSON.parse(query.get("body")) : undefined);
