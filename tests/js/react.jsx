// A chat page with `useStream` of @langchain/react, which speaks event streams, against SERVER.
//
//   node_modules/.bin/esbuild react.jsx --bundle --format=esm --jsx=automatic --outfile=DIR/chat.js
//
// Opened with ?server=URL; &thread=ID opens a thread, which the page writes there itself once it has one. &transport=websocket is
// another transport than SSE, &answer=TEXT another answer to interrupts than `tea`, and &within shows what the researcher says.

import { useStream, useMessages } from "@langchain/react";
import { useState } from "react";
import { createRoot } from "react-dom/client";

const query = new URLSearchParams(location.search);

function remember(thread) {
  query.set("thread", thread);
  history.replaceState(null, "", `?${query}`);
}

function Within({ stream }) {
  const messages = useMessages(stream, ["researcher"]);
  return (
    <ul>
      {messages.map((message) => <li key={message.id}>{message.text}</li>)}
    </ul>
  );
}

function Chat() {
  const [draft, setDraft] = useState("");
  const answer = query.get("answer") ?? "tea";
  const stream = useStream({
    apiUrl: query.get("server"),
    assistantId: query.get("assistant") ?? "agent",
    threadId: query.get("thread"),
    transport: query.get("transport") ?? undefined,
    onThreadId: remember,
  });
  const say = (event) => {
    event.preventDefault();
    stream.submit({ messages: [{ type: "human", content: draft }] });
    setDraft("");
  };
  return (
    <main data-state={stream.isLoading || stream.isThreadLoading ? "loading" : "idle"}>
      <ol>
        {stream.messages.map((message) => (
          <li key={message.id} data-type={message.type} data-calls={message.tool_calls?.map(({ name }) => name)}>
            <span>{message.text}</span>
          </li>
        ))}
      </ol>
      {stream.toolCalls.map(({ id, name, status }) => <p key={id} className="tool">{`${name}: ${status}`}</p>)}
      {stream.interrupt && (
        <aside>
          <pre>{JSON.stringify(stream.interrupt.value)}</pre>
          <button onClick={() => stream.respond(answer)}>{answer}</button>
        </aside>
      )}
      {query.has("within") && <Within stream={stream} />}
      <p id="error">{stream.error ? String(stream.error.message ?? stream.error) : ""}</p>
      <form onSubmit={say}>
        <input value={draft} onChange={(event) => setDraft(event.target.value)} />
        <button id="send">send</button>
      </form>
      <button id="stop" onClick={() => stream.stop()}>stop</button>
    </main>
  );
}

createRoot(document.getElementById("root")).render(<Chat />);
