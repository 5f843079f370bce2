import { useEffect, useState } from "preact/hooks";
import type { Api, Session, Thread } from "../api";
import { useAsked } from "../asked";
import { Expected } from "../components/expected";
import { Progress } from "../components/progress";
import { Text } from "../components/text";
import { count, nameSession, shortenIds } from "../format";
import { SourceBadge } from "../live/source";
import { follow, reset, sessions } from "../server_api";
import { Faults } from "../sessions/faults";
import { visible } from "../visible";
import { showSession } from "./live";

/** How long the view waits for further news before it asks again. */
const COLLECT_MS = 300;

/** The sessions of the server, and what each of their threads plays. */
export function Sessions({ api }: { api: Api }) {
  const [turn, setTurn] = useState(0);
  const { answer, error } = useAsked(sessions, [turn]);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        setTurn((before) => before + 1);
      }, COLLECT_MS);
    };
    const stop = follow(again, (is) => is && again());
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, []);

  if (!answer) return <p role={error ? "alert" : "status"}>{error ?? "Loading…"}</p>;
  return (
    <div class="sessions">
      <h1 class="unseen">Sessions</h1>
      {error && (
        <p role="alert" class="notice">
          <Text>{error}</Text>
        </p>
      )}
      {answer.length === 0 && (
        <p class="empty">No session yet: the first request of a client begins one.</p>
      )}
      {answer.map((session) => (
        <SessionView
          key={session.session}
          api={api}
          session={session}
          onReset={() => setTurn((before) => before + 1)}
        />
      ))}
      <Faults sessions={answer.map(({ session }) => session)} />
    </div>
  );
}

function SessionView({
  api,
  session: { session, requests, threads },
  onReset,
}: {
  api: Api;
  session: Session;
  onReset: () => void;
}) {
  const [error, setError] = useState("");
  const name = nameSession(session);
  return (
    <section class="session" aria-label={`Session ${visible(name)}`}>
      <div class="bar">
        <h2>
          <Text>{name}</Text>
        </h2>
        <span class="muted">
          {count(requests, "request")}, {count(threads.length, "thread")}
        </span>
        <button type="button" onClick={() => showSession(session)}>
          Show in Live
        </button>
        <button
          type="button"
          title="Forget the plays, threads and requests of this session"
          onClick={() =>
            reset(session).then(onReset, (failure: Error) => setError(failure.message))
          }
        >
          Reset
        </button>
      </div>
      {error && (
        <p role="alert" class="notice">
          <Text>{error}</Text>
        </p>
      )}
      {threads.length > 0 && (
        <ul class="threads">
          {threads.map((thread) => (
            <li key={thread.thread}>
              <ThreadView api={api} thread={thread} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function ThreadView({ api, thread }: { api: Api; thread: Thread }) {
  const { source, conversation, progress, next } = thread;
  return (
    <>
      <code title={visible(thread.thread)}>
        <Text>{shortenIds(thread.thread)}</Text>
      </code>
      <SourceBadge call={{ source }} />
      <span>{conversation ? <Text>{conversation}</Text> : "the fake graph answers"}</span>
      <span>{progress && <Progress progress={progress} />}</span>
      <span class="next">
        {next && (
          <>
            <span class="muted">next:</span> <Expected api={api} label={next} />
          </>
        )}
        {next === null && <span class="muted">played to its end</span>}
      </span>
    </>
  );
}
