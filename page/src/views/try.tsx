import { useEffect, useMemo, useState } from "preact/hooks";
import type { Api, Json } from "../api";
import { useAsked } from "../asked";
import { ConversationItems } from "../components/conversation";
import { Copy } from "../components/copy";
import { Events } from "../components/events";
import { Tabs } from "../components/tabs";
import { Text } from "../components/text";
import { Timeline } from "../components/timeline";
import { Conversation, type Item } from "../conversation";
import { count, formatSeconds } from "../format";
import { SourceBadge } from "../live/source";
import { link } from "../route";
import { type Run, toCurl, toJavaScript, toPython } from "../try/snippets";
import { createUuid, findSession, post, serverUrl } from "../try/stream";
import { suggestAnswers } from "../try/suggestions";
import { type Choice, type Runs, type Turn, useRuns } from "../try/use_runs";

const MODES = [
  "values",
  "updates",
  "messages-tuple",
  "custom",
  "tasks",
  "checkpoints",
  "debug",
  "events",
];

const INTRODUCTION = "Hello!";

type Interrupt = Extract<Item, { kind: "interrupt" }>;

const createInput = (text: string) => ({ messages: [{ role: "human", content: text }] });

/** Runs that a person starts, in a session of their own. */
export function Try({ api }: { api: Api }) {
  const [session] = useState(findSession);
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<string | null>(null);
  const [modes, setModes] = useState(["values", "messages-tuple"]);
  const [hasThread, setHasThread] = useState(true);
  const [isWide] = useState(() => innerWidth > 800);
  const graphs = useGraphs(session);
  const runs = useRuns(session);
  const { turns, thread, isRunning } = runs;
  const graph = chosen ?? graphs[0] ?? "agent";
  const choice: Choice = { graph, modes, hasThread };

  const send = () => {
    if (isRunning || !text.trim() || modes.length === 0 || !graph) return;
    runs.start(choice, { input: createInput(text) });
    setText("");
  };

  const last = turns.at(-1);
  const said = text || lastText(last) || INTRODUCTION;

  return (
    <div class="try">
      <h1 class="unseen">Try</h1>
      <form
        aria-label="Run"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <label class="message">
          Message
          <textarea
            rows={3}
            value={text}
            placeholder={INTRODUCTION}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
              event.preventDefault();
              send();
            }}
          />
        </label>
        <div class="bar">
          <button
            type="submit"
            class="primary"
            disabled={isRunning || !text.trim() || modes.length === 0 || !graph}
          >
            Send
          </button>
          <button type="button" disabled={!isRunning} onClick={runs.stop}>
            Stop
          </button>
          <button type="button" disabled={turns.length === 0} onClick={runs.clear}>
            {hasThread ? "New thread" : "Clear"}
          </button>
        </div>
        <details open={isWide}>
          <summary>Graph, stream modes, thread</summary>
          <label>
            Graph
            <input
              list="graphs"
              value={graph}
              onInput={({ currentTarget }) => setChosen(currentTarget.value)}
            />
            <datalist id="graphs">
              {graphs.map((name) => (
                <option key={name} value={name} />
              ))}
            </datalist>
          </label>
          <fieldset>
            <legend>Stream modes</legend>
            {MODES.map((mode) => (
              <label key={mode} class="option">
                <input
                  type="checkbox"
                  checked={modes.includes(mode)}
                  onChange={({ currentTarget: { checked } }) =>
                    setModes(
                      MODES.filter((each) => (each === mode ? checked : modes.includes(each))),
                    )
                  }
                />
                {mode}
              </label>
            ))}
            {modes.length === 0 && <p class="hint">Choose at least one.</p>}
          </fieldset>
          <fieldset>
            <legend>Thread</legend>
            {[true, false].map((has) => (
              <label key={String(has)} class="option">
                <input
                  type="radio"
                  name="thread"
                  checked={hasThread === has}
                  disabled={isRunning}
                  onChange={() => {
                    runs.clear();
                    setHasThread(has);
                  }}
                />
                {has ? "on a thread" : "stateless"}
              </label>
            ))}
            {hasThread && (
              <p class="muted id">
                {thread ? <Text>{thread}</Text> : "A new one with the next message."}
              </p>
            )}
          </fieldset>
        </details>
      </form>
      <Result api={api} session={session} runs={runs} choice={choice} />
      <aside>
        <Snippets run={{ url: serverUrl(), graph, modes, input: createInput(said), hasThread }} />
        <p class="muted hint">
          These requests are in the session <code>{session}</code>. They do not count for the exit
          status of the server, and not as plays of its cassettes.
        </p>
      </aside>
    </div>
  );
}

function lastText(turn: Turn | undefined): string {
  const body = turn?.request.body as { input?: { messages?: { content?: string }[] } } | undefined;
  return body?.input?.messages?.[0]?.content ?? "";
}

/** The names of the graphs of the server; none if it does not say. */
function useGraphs(session: string): string[] {
  const { answer } = useAsked(async () => {
    const response = await post(session, "/assistants/search", { limit: 100, offset: 0 });
    const found = response.ok ? ((await response.json()) as { graph_id?: string }[]) : [];
    const names = Array.isArray(found) ? found.map(({ graph_id }) => graph_id ?? "") : [];
    return [...new Set(names.filter(Boolean))];
  }, [session]);
  return answer ?? [];
}

function Snippets({ run }: { run: Run }) {
  const [language, setLanguage] = useState("curl");
  const [thread] = useState(createUuid);
  const texts = { curl: toCurl(run, thread), Python: toPython(run), JavaScript: toJavaScript(run) };
  return (
    <details class="snippets">
      <summary>Copy as curl, Python, JavaScript</summary>
      <Tabs
        label="Language"
        current={language}
        select={setLanguage}
        tabs={Object.entries(texts).map(([name, code]) => ({
          name,
          title: name,
          render: () => (
            <>
              <Copy text={code} label={`Copy ${name}`} />
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: keys scroll it */}
              <pre tabIndex={0}>
                <Text>{code}</Text>
              </pre>
            </>
          ),
        }))}
      />
    </details>
  );
}

function Result({
  api,
  session,
  runs,
  choice,
}: {
  api: Api;
  session: string;
  runs: Runs;
  choice: Choice;
}) {
  const [tab, setTab] = useState("conversation");
  const { turns, isRunning, error } = runs;
  const last = turns.at(-1);
  const { items, state } = useMemo(() => {
    const built = new Conversation();
    for (const { request, response } of turns) {
      built.request(request);
      built.response(response);
    }
    return built;
  }, [turns]);
  const interrupts = useMemo(() => (isRunning ? [] : findInterrupts(last)), [last, isRunning]);

  return (
    <section class="result" aria-label="Response">
      {error && (
        <p role="alert" class="notice">
          <Text>{error}</Text>
        </p>
      )}
      {last ? (
        <>
          <Summary api={api} session={session} turn={last} isRunning={isRunning} />
          <Tabs
            label="Response"
            current={tab}
            select={setTab}
            tabs={[
              {
                name: "conversation",
                title: "Conversation",
                render: () => <ConversationItems items={items} state={state} />,
              },
              {
                name: "events",
                title: `Events ${last.response?.events?.length ?? ""}`,
                render: () => <Events response={last.response} />,
              },
              {
                name: "timeline",
                title: "Timeline",
                render: () => <Timeline request={last.request} response={last.response} />,
              },
            ]}
          />
          {interrupts.length > 0 && choice.hasThread && (
            <Answer
              interrupts={interrupts}
              answer={(resume) => runs.start(choice, { command: { resume } })}
            />
          )}
        </>
      ) : (
        !error && <p class="empty">Write a message and send it: the stream appears here.</p>
      )}
    </section>
  );
}

function findInterrupts(turn: Turn | undefined): Interrupt[] {
  if (!turn?.response) return [];
  const built = new Conversation();
  built.request(turn.request);
  built.response(turn.response);
  return built.items.filter((item): item is Interrupt => item.kind === "interrupt");
}

const headerOf = (turn: Turn, name: string) =>
  turn.response?.headers.find(([key]) => key.toLowerCase() === name)?.[1];

function Summary({
  api,
  session,
  turn,
  isRunning,
}: {
  api: Api;
  session: string;
  turn: Turn;
  isRunning: boolean;
}) {
  const { response } = turn;
  const [number, setNumber] = useState<number | null>(null);
  const isAnswered = response !== null;
  const { path } = turn.request;

  useEffect(() => {
    setNumber(null);
    if (!isAnswered) return;
    let isCurrent = true;
    const isOwn = (call: { session: string; path: string }) =>
      call.session === session && call.path === path;
    api.calls().then(
      ({ calls }) => {
        const numbers = calls.filter(isOwn).map((call) => call.number);
        if (isCurrent && numbers.length > 0) setNumber(Math.max(...numbers));
      },
      () => undefined,
    );
    return () => {
      isCurrent = false;
    };
  }, [api, session, path, isAnswered]);

  const source = headerOf(turn, "x-mockserver-source");
  const exchange = headerOf(turn, "x-mockserver-exchange");
  const how = headerOf(turn, "x-mockserver-how");
  return (
    <p class="summary" role="status">
      {source && <SourceBadge call={{ source: source as never, ...(how && { how }) }} />}
      {exchange && <Text>{exchange}</Text>}
      {response && <b>{response.status}</b>}
      {response?.events && <span>{count(response.events.length, "event")}</span>}
      {isRunning && <span class="running">receiving…</span>}
      {response?.seconds !== undefined && <span>{formatSeconds(response.seconds)}</span>}
      {response?.end && <b>{response.end}</b>}
      {!isRunning && !response && <b>stopped</b>}
      {number !== null && <a href={link("live", String(number))}>Why this response?</a>}
    </p>
  );
}

/** The answer to the interrupts of the last turn. */
function Answer({
  interrupts,
  answer,
}: {
  interrupts: Interrupt[];
  answer: (resume: Json) => void;
}) {
  const many = interrupts.length > 1;
  const start = many
    ? JSON.stringify(Object.fromEntries(interrupts.map(({ id }) => [id, ""])), null, 2)
    : "";
  const [text, setText] = useState(start);
  const [only] = interrupts;
  const suggestions = only && !many ? suggestAnswers(only.value) : [];
  return (
    <form
      class="answer callout"
      aria-label="Answer the interrupt"
      onSubmit={(event) => {
        event.preventDefault();
        answer(parse(text));
      }}
    >
      <label>
        {many
          ? "The graph waits for several answers: an object from the id of each interrupt to its answer"
          : "The graph waits for an answer, a text or JSON"}
        <textarea
          rows={many ? 4 : 2}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <div class="bar">
        <button type="submit" class="primary" disabled={!text.trim()}>
          Answer
        </button>
        {suggestions.map((suggestion) => (
          <button key={suggestion} type="button" onClick={() => setText(suggestion)}>
            <Text>{suggestion}</Text>
          </button>
        ))}
      </div>
    </form>
  );
}

function parse(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
