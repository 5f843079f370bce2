import { useEffect, useRef, useState } from "preact/hooks";
import type { Api, Cassette, ExchangeView, Finding, Health } from "../api";
import { useAsked } from "../asked";
import { ChooseOther, Comparison } from "../components/compare";
import { Conversation } from "../components/conversation";
import { Events, seconds } from "../components/events";
import { ExchangeList, short } from "../components/exchange_list";
import { Http } from "../components/http";
import { Tabs } from "../components/tabs";
import { Text } from "../components/text";
import { Thread } from "../components/thread";
import { Timeline } from "../components/timeline";
import { Yaml } from "../components/yaml";
import { isObject } from "../messages";
import { type Place, placeOf, readPlace } from "../place";
import { go, link } from "../route";

const to = (place: string) => link("cassettes", place);

/** All cassettes at the left, and the selected exchange beside them; on a narrow screen one after the other. */
export function Cassettes({ api, place, health }: { api: Api; place: string; health: Health }) {
  const at = readPlace(place);
  const hasPlays = health.mode !== "show" && health.mode !== "record";
  const label = at.number && `${at.cassette}#${at.number}`;
  return (
    <div class={label ? "cassettes with-exchange" : "cassettes"}>
      <Files api={api} at={at} hasPlays={hasPlays} />
      {label ? (
        <Exchange key={label} api={api} label={label} at={at} hasPlays={hasPlays} />
      ) : (
        <Overview api={api} cassette={at.cassette} isReport={health.mode === "report"} />
      )}
    </div>
  );
}

const MANY = 300;

function Files({ api, at, hasPlays }: { api: Api; at: Place; hasPlays: boolean }) {
  const [search, setSearch] = useState("");
  const [shown, setShown] = useState(MANY);
  const { answer: cassettes, error } = useAsked(() => api.cassettes(), [api]);
  const open = at.cassette ?? (cassettes?.length === 1 ? cassettes[0]?.cassette : undefined);
  return (
    <nav class="files" aria-label="Exchanges">
      <input
        type="search"
        placeholder="Search all exchanges"
        aria-label="Search all exchanges"
        value={search}
        onInput={({ currentTarget }) => setSearch(currentTarget.value)}
      />
      {error && <p role="alert">{error}</p>}
      {search ? (
        <ExchangeList
          key={search}
          api={api}
          search={search}
          hasPlays={hasPlays}
          href={(row) => to(placeOf(row.exchange))}
        />
      ) : (
        <ul class="file-list">
          {cassettes?.slice(0, shown).map((cassette) => (
            <li key={cassette.cassette}>
              <File cassette={cassette} isOpen={cassette.cassette === open} hasPlays={hasPlays} />
              {cassette.cassette === open && (
                <ExchangeList
                  api={api}
                  cassette={open}
                  search=""
                  selected={at.number}
                  hasPlays={hasPlays}
                  href={(row) => to(placeOf(row.exchange))}
                />
              )}
            </li>
          ))}
        </ul>
      )}
      {!search && cassettes && cassettes.length > shown && (
        <button type="button" onClick={() => setShown(shown + MANY)}>
          {cassettes.length - shown} more files
        </button>
      )}
    </nav>
  );
}

function File({
  cassette: { cassette, exchanges, played },
  isOpen,
  hasPlays,
}: {
  cassette: Cassette;
  isOpen: boolean;
  hasPlays: boolean;
}) {
  return (
    <a class="file" href={to(isOpen ? "" : cassette)} aria-expanded={isOpen}>
      <span class="preview">
        <Text>{cassette}</Text>
      </span>
      <span class="muted">
        {hasPlays && `${played} of `}
        {exchanges}
        {hasPlays && " played"}
      </span>
    </a>
  );
}

/** How many exchanges are linted unasked; the linter compares each with all others. */
const QUICK = 1000;

/** What is to say about all cassettes, or about one: its lint findings. */
function Overview({ api, cassette, isReport }: { api: Api; cassette?: string; isReport: boolean }) {
  const { answer: cassettes } = useAsked(() => api.cassettes(), [api]);
  const own = cassettes?.filter((file) => !cassette || file.cassette === cassette);
  const count = own?.reduce((sum, { exchanges }) => sum + exchanges, 0);
  return (
    <article class="overview">
      <h1>{cassette ? <Text>{cassette}</Text> : "Cassettes"}</h1>
      <p>
        {isReport
          ? "This run played the exchanges with a number at the right, such as 2×."
          : "Select an exchange to read it as a conversation, on a timeline, as events or as YAML."}
      </p>
      {count !== undefined && !isReport && (
        <Lint key={cassette ?? ""} api={api} cassette={cassette} isQuick={count <= QUICK} />
      )}
    </article>
  );
}

function Lint({ api, cassette, isQuick }: { api: Api; cassette?: string; isQuick: boolean }) {
  const [isAsked, setAsked] = useState(isQuick);
  const { answer: findings, error } = useAsked(
    async () => (isAsked ? await api.findings(cassette) : undefined),
    [api, cassette, isAsked],
  );
  if (!isAsked)
    return (
      <button type="button" onClick={() => setAsked(true)}>
        Find problems with the linter (takes a while)
      </button>
    );
  if (error) return <p role="alert">{error}</p>;
  if (!findings) return <p class="muted">The linter is at work…</p>;
  if (findings.length === 0) return <p class="muted">The linter finds no problems.</p>;
  return (
    <>
      <h2>Lint findings</h2>
      <Findings findings={findings} />
    </>
  );
}

function Findings({ findings }: { findings: Finding[] }) {
  return (
    <ul class="findings">
      {findings.slice(0, MANY).map(({ code, message, fix, exchange, line }, index) => (
        <li key={`${index} ${code}`}>
          {exchange && (
            <a href={to(placeOf(exchange))}>
              <Text>{exchange}</Text>
            </a>
          )}{" "}
          {line !== undefined && <span class="muted">line {line}</span>}{" "}
          <span class="badge">
            <Text>{code}</Text>
          </span>{" "}
          <Text>{message}</Text>
          {fix && (
            <div class="muted">
              <Text>{fix}</Text>
            </div>
          )}
        </li>
      ))}
      {findings.length > MANY && <li class="muted">{findings.length - MANY} more</li>}
    </ul>
  );
}

function Exchange({
  api,
  label,
  at,
  hasPlays,
}: {
  api: Api;
  label: string;
  at: Place;
  hasPlays: boolean;
}) {
  const { answer: exchange, error } = useAsked(() => api.exchange(label), [api, label]);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // On a narrow screen the list, which had the focus, is gone.
    if (document.activeElement === document.body) heading.current?.focus();
  }, [exchange]);
  return (
    <article class="exchange">
      <a class="back" href={to(at.cassette ?? "")}>
        ← All exchanges
      </a>
      <h1 ref={heading} tabIndex={-1}>
        <Text>{label}</Text>
      </h1>
      {error && <p role="alert">{error}</p>}
      {!exchange && !error && <p class="muted">Loading…</p>}
      {exchange && <ExchangeTabs api={api} exchange={exchange} at={at} hasPlays={hasPlays} />}
    </article>
  );
}

function ExchangeTabs({
  api,
  exchange,
  at,
  hasPlays,
}: {
  api: Api;
  exchange: ExchangeView;
  at: Place;
  hasPlays: boolean;
}) {
  const { request, response, findings } = exchange;
  const count = response.events?.length ?? 0;
  const place = (tab: string) => placeOf(exchange.exchange, tab);
  const tabs = [
    {
      name: "conversation",
      title: "Conversation",
      render: () => <Conversation request={request} response={response} />,
    },
    {
      name: "timeline",
      title: "Timeline",
      render: () => <Timeline request={request} response={response} />,
    },
    {
      name: "events",
      title: count ? `Events ${count.toLocaleString("en")}` : "Events",
      render: () => <Events response={response} />,
    },
    { name: "http", title: "HTTP", render: () => <Http request={request} response={response} /> },
    { name: "yaml", title: "YAML", render: () => <Yaml {...exchange} /> },
    {
      name: "thread",
      title: "Whole thread",
      render: () => <Thread api={api} exchange={exchange} href={(label) => to(placeOf(label))} />,
    },
    {
      name: "compare",
      title: "Compare",
      render: () =>
        at.other ? (
          <Comparison
            api={api}
            left={exchange.exchange}
            right={at.other}
            back={to(place("compare"))}
          />
        ) : (
          <ChooseOther
            api={api}
            exchange={exchange}
            href={(label) => to(`${place("compare")}/${placeOf(label)}`)}
          />
        ),
    },
  ].filter(({ name }) => name !== "thread" || exchange.thread);
  return (
    <>
      <Facts exchange={exchange} hasPlays={hasPlays} />
      {findings.length > 0 && (
        <section class="callout" aria-label="Lint findings">
          <Findings findings={findings} />
        </section>
      )}
      <Tabs
        tabs={tabs}
        current={at.tab}
        label="Views of the exchange"
        select={(tab) => go("cassettes", place(tab))}
      />
    </>
  );
}

const ENDS: Record<string, string> = {
  cut: "broken off",
  open: "still open when the recording ended",
};

function Facts({ exchange, hasPlays }: { exchange: ExchangeView; hasPlays: boolean }) {
  const { request, response } = exchange;
  return (
    <div class="facts">
      <span class="first-line">
        <Text>{`${request.method} ${short(request.path)}`}</Text>
      </span>
      <span class={response.status >= 400 ? "failed" : undefined}>{response.status}</span>
      {response.seconds !== undefined && <span>{seconds(response.seconds)}</span>}
      {isObject(request.body) && typeof request.body.assistant_id === "string" && (
        <span>
          <span class="muted">assistant</span> <Text>{request.body.assistant_id}</Text>
        </span>
      )}
      {exchange.asked && (
        <span>
          <span class="muted">asked for</span> <Text>{exchange.asked}</Text>
        </span>
      )}
      {response.end && response.end !== "closed" && (
        <span class="failed">{ENDS[response.end] ?? <Text>{response.end}</Text>}</span>
      )}
      {hasPlays && (
        <span>
          {exchange.played === 0
            ? "not played yet"
            : `played ${exchange.played} ${exchange.played === 1 ? "time" : "times"}`}
        </span>
      )}
      <span class="muted">
        <Text>{`${exchange.file}:${exchange.line}`}</Text>
      </span>
    </div>
  );
}
