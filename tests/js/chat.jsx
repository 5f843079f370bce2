// A chat page as its readers would write one: `useStream` of the SDK that the build calls "sdk", against SERVER.
//
//   node_modules/.bin/esbuild chat.jsx --bundle --format=esm --alias:sdk=sdk-1 --outfile=DIR/chat.js
//
// Opened with ?server=URL; &thread=ID opens a thread, which the page writes there itself once it has one. &assistant=NAME is
// another than `agent`, and &answer=TEXT another answer to interrupts than `tea`.

import React, { useState } from "react";
import { createRoot } from "react-dom/client";
import { useStream } from "sdk/react";

const query = new URLSearchParams(location.search);

function remember(thread) {
  if (thread === null) query.delete("thread");
  else query.set("thread", thread);
  history.replaceState(null, "", `?${query}`);
}

const text = ({ content }) =>
  typeof content === "string" ? content : content.map((part) => part.text ?? "").join("");

function Chat() {
  const [threadId, setThreadId] = useState(query.get("thread"));
  const [draft, setDraft] = useState("");
  const answer = query.get("answer") ?? "tea";
  const open = (id) => (setThreadId(id), remember(id));
  const stream = useStream({
    apiUrl: query.get("server"),
    assistantId: query.get("assistant") ?? "agent",
    messagesKey: "messages",
    threadId,
    onThreadId: open,
    reconnectOnMount: true,
    fetchStateHistory: true,
  });
  const say = (event) => {
    event.preventDefault();
    stream.submit({ messages: [{ type: "human", content: draft }] });
    setDraft("");
  };
  return (
    <main data-state={stream.isLoading ? "loading" : "idle"}>
      <ol>
        {stream.messages.map((message, index) => {
          const parent = stream.getMessagesMetadata(message)?.firstSeenState?.parent_checkpoint;
          return (
            <li key={message.id ?? index} data-type={message.type} data-id={message.id}>
              <span>{text(message)}</span>
              <button onClick={() => stream.submit(undefined, { checkpoint: parent })}>again</button>
            </li>
          );
        })}
      </ol>
      {stream.interrupt && (
        <aside>
          <pre>{JSON.stringify(stream.interrupt.value)}</pre>
          <button onClick={() => stream.submit(undefined, { command: { resume: answer } })}>{answer}</button>
        </aside>
      )}
      <p id="error">{stream.error ? String(stream.error.message ?? stream.error) : ""}</p>
      <form onSubmit={say}>
        <input value={draft} onChange={(event) => setDraft(event.target.value)} />
        <button id="send">send</button>
      </form>
      <button id="new" onClick={() => open(null)}>new</button>
      <button id="stop" onClick={() => stream.stop()}>stop</button>
    </main>
  );
}

createRoot(document.getElementById("root")).render(<Chat />);
