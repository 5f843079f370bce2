import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { Json, ResponseView } from "../api";
import { Conversation as Builder, type Item, type RequestView } from "../conversation";
import { type Block, type Message, parsed, plainText, type ToolCall } from "../messages";
import { Folded } from "./folded";
import { JsonView } from "./json";
import { LongText, Text } from "./text";

/** A request and its response as a conversation; other requests as their bodies. */
export function Conversation({
  request,
  response,
}: {
  request: RequestView;
  response: ResponseView | null;
}) {
  const conversation = useMemo(() => {
    const built = new Builder();
    built.request(request);
    built.response(response);
    return built;
  }, [request, response]);
  if (conversation.items.length === 0 && !conversation.state)
    return <Bodies request={request} response={response} />;
  return <ConversationItems items={conversation.items} state={conversation.state} />;
}

const MANY = 300;

/** The items of a conversation. *link* makes the heading of an exchange, where there are several. */
export function ConversationItems({
  items,
  state,
  link,
}: {
  items: Item[];
  state?: Json;
  link?: (label: string) => ComponentChildren;
}) {
  const [shown, setShown] = useState(MANY);
  const earlier = items.filter((item) => item.kind === "message" && item.isEarlier);
  const now = items.filter((item) => item.kind !== "message" || !item.isEarlier);
  return (
    <div class="conversation">
      {earlier.length > 0 && (
        <Folded
          class="earlier"
          summary={`${earlier.length} earlier ${earlier.length === 1 ? "message" : "messages"} of this thread`}
          render={() => <Items items={earlier} />}
        />
      )}
      <Items items={now.slice(0, shown)} link={link} />
      {now.length > shown && (
        <button type="button" onClick={() => setShown(shown + MANY)}>
          Show more ({now.length - shown} left)
        </button>
      )}
      {state !== undefined && (
        <Folded
          class="state"
          summary="Other values of the state at the end"
          render={() => <JsonView value={state} />}
        />
      )}
    </div>
  );
}

function Items({ items, link }: { items: Item[]; link?: (label: string) => ComponentChildren }) {
  return (
    <ol class="items">
      {items.map((item, index) => (
        <li key={index} class={`item ${classOf(item)}`}>
          <ItemView item={item} link={link} />
        </li>
      ))}
    </ol>
  );
}

function classOf(item: Item): string {
  if (item.kind === "message") return item.role === "human" ? "human" : "other";
  if (item.kind === "note") return item.title === "resume" ? "human" : "note";
  return item.kind;
}

function ItemView({ item, link }: { item: Item; link?: (label: string) => ComponentChildren }) {
  switch (item.kind) {
    case "message":
      return <MessageView message={item} />;
    case "note":
      return item.title === "resume" ? (
        <>
          <Origin by="resume" />
          <div class="bubble">
            {item.values.map((value, index) => (
              <Value key={index} value={value} />
            ))}
          </div>
        </>
      ) : (
        <Folded
          summary={
            <>
              <Text>{item.title}</Text>
              <Namespace of={item.namespace} />
              {item.values.length > 1 && <span class="count">{item.values.length}</span>}{" "}
              <span class="muted preview">
                <Text>{(JSON.stringify(item.values[0]) ?? "").slice(0, 160)}</Text>
              </span>
            </>
          }
          render={() => (
            <JsonView value={item.values.length === 1 ? (item.values[0] ?? null) : item.values} />
          )}
        />
      );
    case "interrupt":
      return (
        <section class="callout">
          <h2 class="callout-head">
            Interrupt <Namespace of={item.namespace} />
          </h2>
          <Value value={item.value} />
        </section>
      );
    case "error":
      return (
        <section class="callout">
          <h2 class="callout-head">
            <Text>{item.error || "Error"}</Text>
          </h2>
          {item.message && <LongText text={item.message} />}
        </section>
      );
    case "exchange":
      return (
        <h2 class="exchange-head">
          {link?.(item.label) ?? <Text>{item.label}</Text>}{" "}
          <span class="muted">
            <Text>{`${item.method} ${item.path}`}</Text>
          </span>
        </h2>
      );
  }
}

const NAMES: Record<string, string> = {
  human: "Human",
  ai: "AI",
  system: "System",
  tool: "Tool",
  resume: "Resume",
};

function Origin({ by, message }: { by: string; message?: Message }) {
  return (
    <div class="origin">
      <b>{NAMES[by] ?? <Text>{by}</Text>}</b>
      {message?.name && <Text>{message.name}</Text>}
      {message?.node && (
        <span class="muted">
          node <Text>{message.node}</Text>
        </span>
      )}
      <Namespace of={message?.namespace ?? ""} />
    </div>
  );
}

function Namespace({ of: namespace }: { of: string }) {
  if (!namespace) return null;
  const names = namespace.split("|").map((part) => part.split(":")[0]);
  return (
    <span class="muted">
      {" "}
      subgraph <Text>{names.join(" › ")}</Text>
    </span>
  );
}

function MessageView({ message }: { message: Message }) {
  return (
    <>
      <Origin by={message.role} message={message} />
      {(message.blocks.length > 0 || message.toolCalls.length === 0) && (
        <div class={message.isFailed ? "bubble failed" : "bubble"}>
          {message.blocks.length === 0 && <span class="muted">(empty)</span>}
          {message.blocks.map((block, index) => (
            <BlockView key={index} block={block} />
          ))}
        </div>
      )}
      {message.toolCalls.map((call, index) => (
        <ToolCallView key={index} call={call} />
      ))}
    </>
  );
}

function BlockView({ block }: { block: Block }) {
  switch (block.kind) {
    case "text":
      return <LongText text={block.text} />;
    case "reasoning":
      return (
        <Folded
          class="reasoning"
          summary="Reasoning"
          render={() => <LongText text={block.text} />}
        />
      );
    case "image":
      return <img src={block.url} alt="Part of the message" />;
    case "other":
      return <JsonView value={block.value} depth={1} />;
  }
}

function ToolCallView({ call }: { call: ToolCall }) {
  const args = typeof call.args === "string" ? (parsed(call.args) ?? call.args) : call.args;
  const result = call.result && plainText(call.result);
  return (
    <details class="tool">
      <summary>
        <span class="badge">tool</span>{" "}
        <b>
          <Text>{call.name || "unnamed tool"}</Text>
        </b>{" "}
        <span class="preview">
          <Text>{JSON.stringify(args).slice(0, 120)}</Text>
          {call.result ? " → " : " (no result)"}
          {result && <Text>{result.slice(0, 120)}</Text>}
        </span>
      </summary>
      <h3>Arguments</h3>
      <JsonView value={args} depth={9} />
      {call.result && (
        <>
          <h3>{call.result.isFailed ? "Error" : "Result"}</h3>
          <div class={call.result.isFailed ? "failed" : undefined}>
            {call.result.blocks.map((block, index) => (
              <BlockView key={index} block={asJson(block)} />
            ))}
          </div>
        </>
      )}
      {call.id && (
        <p class="muted">
          id <Text>{call.id}</Text>
        </p>
      )}
    </details>
  );
}

/** Return a text that is a JSON object or list as that value. */
function asJson(block: Block): Block {
  const value =
    block.kind === "text" && /^\s*[[{]/.test(block.text) ? parsed(block.text) : undefined;
  return value === undefined ? block : { kind: "other", value };
}

function Value({ value }: { value: Json }) {
  return typeof value === "string" ? (
    <LongText text={value} />
  ) : (
    <JsonView value={value} depth={9} />
  );
}

function Bodies({ request, response }: { request: RequestView; response: ResponseView | null }) {
  return (
    <div class="bodies">
      <section>
        <h2>Request body</h2>
        <Body body={request.body} text={request.text} />
      </section>
      <section>
        <h2>Response body</h2>
        {response ? (
          response.events?.length ? (
            <p class="muted">{response.events.length} events without messages: see the events.</p>
          ) : (
            <Body body={response.body} text={response.text} />
          )
        ) : (
          <p class="muted">none yet</p>
        )}
      </section>
    </div>
  );
}

/** A body: a JSON tree, or its text. */
export function Body({ body, text }: { body?: Json; text?: string }) {
  if (body !== undefined) return <JsonView value={body} depth={3} />;
  return text ? <LongText text={text} /> : <p class="muted">empty</p>;
}
