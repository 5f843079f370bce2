import { useEffect, useRef, useState } from "preact/hooks";
import type { Api, CallView } from "../api";
import { useAsked } from "../asked";
import { Conversation } from "../components/conversation";
import { Events } from "../components/events";
import { Http } from "../components/http";
import { Tabs } from "../components/tabs";
import { Text } from "../components/text";
import { Timeline } from "../components/timeline";
import { count, formatSeconds, formatTime } from "../format";
import { link } from "../route";
import { findText, isProblem } from "./feed";
import { MissView } from "./miss";
import { SourceBadge } from "./source";
import { WhyView } from "./why";

/** How often a response is asked for again while it is being sent. */
const AGAIN_MS = 700;

/** The request *number* with its response, and why it got that. */
export function CallDetail({
  api,
  number,
  seconds,
  run,
}: {
  api: Api;
  number: number;
  /** How long the response took, if it is complete. */
  seconds: number | undefined;
  /** Changes when the server was restarted. */
  run: number;
}) {
  const [turn, setTurn] = useState(0);
  const { answer, error } = useAsked(() => api.call(number), [number, seconds, turn, run]);
  const call = answer?.number === number ? answer : undefined;
  const isRunning = call !== undefined && call.seconds === undefined && seconds === undefined;

  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => setTurn((before) => before + 1), AGAIN_MS);
    return () => clearInterval(timer);
  }, [isRunning]);

  return (
    <article class="call-detail" aria-label={`Request ${number}`}>
      <div class="bar">
        <a href={link("live")} class="all-requests">
          ← All requests
        </a>
        <span class="muted">request {number}</span>
      </div>
      {call ? (
        <Content key={number} api={api} call={call} />
      ) : (
        <p role={error ? "alert" : "status"}>{error ?? "Loading…"}</p>
      )}
    </article>
  );
}

function Content({ api, call }: { api: Api; call: CallView }) {
  const hasEvents = Boolean(call.response?.events?.length);
  const isConversation = hasEvents || findText(call) !== "";
  const [tab, setTab] = useState(
    isConversation && call.source !== "miss" ? "conversation" : "http",
  );
  const heading = useRef<HTMLHeadingElement>(null);
  const { response } = call;
  const tabs = [
    {
      name: "conversation",
      title: "Conversation",
      render: () => <Conversation request={call} response={response} />,
    },
    {
      name: "events",
      title: `Events ${response?.events?.length.toLocaleString("en") ?? ""}`,
      render: () => <Events response={response} />,
    },
    {
      name: "timeline",
      title: "Timeline",
      render: () => <Timeline request={call} response={response} />,
    },
    { name: "http", title: "HTTP", render: () => <Http request={call} response={response} /> },
  ].filter(({ name }) => {
    if (name === "conversation") return isConversation;
    return hasEvents || (name !== "events" && name !== "timeline");
  });

  useEffect(() => {
    // On a narrow screen the list, which had the focus, is hidden now.
    const frame = requestAnimationFrame(() => {
      if (document.activeElement === document.body) heading.current?.focus();
    });
    return () => cancelAnimationFrame(frame);
  }, []);

  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        {call.method} <Text>{call.path}</Text>
      </h1>
      <p class="summary">
        <SourceBadge call={call} /> <b>{call.status}</b>
        <span>{formatTime(call.when)}</span>
        <span>
          {call.seconds === undefined ? (
            <span class="running">receiving</span>
          ) : (
            formatSeconds(call.seconds)
          )}
        </span>
        {hasEvents && <span>{count(response?.events?.length ?? 0, "event")}</span>}
        {call.asked && (
          <span>
            asked for <Text>{call.asked}</Text>
          </span>
        )}
        {call.session && (
          <span>
            session <Text>{call.session}</Text>
          </span>
        )}
      </p>
      {isProblem(call) && call.miss ? (
        <MissView api={api} call={call} />
      ) : (
        <WhyView api={api} call={call} />
      )}
      <Tabs label="Request and response" tabs={tabs} current={tab} select={setTab} />
    </>
  );
}
