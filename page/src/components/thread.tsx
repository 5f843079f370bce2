import type { Api, ExchangeView } from "../api";
import { useAsked } from "../asked";
import { Conversation } from "../conversation";
import { ConversationItems } from "./conversation";
import { Text } from "./text";

const MOST = 200;

/** All exchanges of the thread of *exchange* as one conversation. */
export function Thread({
  api,
  exchange,
  href,
}: {
  api: Api;
  exchange: ExchangeView;
  href: (label: string) => string;
}) {
  const { cassette, thread = "" } = exchange;
  const { answer, error } = useAsked(() => build(api, cassette, thread), [api, cassette, thread]);
  if (error) return <p role="alert">{error}</p>;
  if (!answer) return <p class="muted">Loading…</p>;
  return (
    <>
      <p class="muted">
        The {answer.count} exchanges of thread <Text>{thread}</Text> as one conversation. Those that
        add nothing to it are left out.
      </p>
      <ConversationItems
        items={answer.items}
        state={answer.state}
        link={(label) => (
          <a href={href(label)}>
            <Text>{label}</Text>
          </a>
        )}
      />
    </>
  );
}

async function build(api: Api, cassette: string, thread: string) {
  const { rows } = await api.exchanges({ page: 1, perPage: MOST, cassette, search: thread });
  const own = rows.filter((row) => row.thread === thread);
  const exchanges = await Promise.all(own.map((row) => api.exchange(row.exchange)));
  const conversation = new Conversation();
  for (const { exchange, request, response } of exchanges)
    conversation.exchange(exchange, request, response);
  const items = conversation.items.filter(
    (item, index, all) =>
      item.kind !== "exchange" || (all[index + 1]?.kind ?? "exchange") !== "exchange",
  );
  return { items, state: conversation.state, count: own.length };
}
