// The data of a page without a server: `mockserver show --html` writes them into it.

import type {
  Api,
  CallView,
  Cassette,
  ExchangeRow,
  ExchangeView,
  Finding,
  Health,
  Json,
} from "./api";
import { Conversation } from "./conversation";
import { differences } from "./differences";
import { plainText } from "./messages";

export interface EmbeddedData {
  kind: "show" | "report";
  title: string;
  health: Health;
  /** Whole exchanges; a report only names them. */
  exchanges: (ExchangeRow | ExchangeView)[];
  cassettes: Cassette[];
  /** Absent in a report. */
  findings?: Finding[];
  /** Of a report: the requests of the run, and the exchanges that it did not play. */
  calls: CallView[];
  unplayed: string[];
}

/** Return the data in this page, or undefined if it comes from a server. */
export function readEmbedded(): EmbeddedData | undefined {
  const element = document.getElementById("data");
  return element?.textContent ? (JSON.parse(element.textContent) as EmbeddedData) : undefined;
}

export function embeddedApi(data: EmbeddedData): Api {
  const find = (label: string): ExchangeView => {
    const exchange = data.exchanges.find((view) => view.exchange === label);
    if (!exchange) throw new Error(`There is no exchange ${label}.`);
    if (!isWhole(exchange))
      throw new Error(
        `The report names this exchange, but does not hold it. See it with: mockserver show ${label} --html page.html`,
      );
    return exchange;
  };
  return {
    health: async () => data.health,
    cassettes: async () => data.cassettes,
    async exchanges({ page, perPage, cassette, search }) {
      const rows = data.exchanges.filter(
        (row) => (!cassette || row.cassette === cassette) && (!search || contains(row, search)),
      );
      const piece = rows.slice((page - 1) * perPage, page * perPage);
      return {
        rows: piece.map((row) => (isWhole(row) ? { ...row, human: humanText(row.request) } : row)),
        total: rows.length,
      };
    },
    exchange: async (label) => find(label),
    findings: async (cassette) =>
      (data.findings ?? []).filter((finding) => !cassette || finding.cassette === cassette),
    compare: async (left, right) => differences(parts(find(left)), parts(find(right))),
    async calls(before = Number.POSITIVE_INFINITY) {
      const calls = data.calls.filter(({ number }) => number < before);
      return { calls: calls.slice(-200), total: data.calls.length };
    },
    async call(number) {
      const call = data.calls.find((view) => view.number === number);
      if (!call) throw new Error(`There is no request ${number}.`);
      return call;
    },
  };
}

/** Return the text of the last human message of a request. */
function humanText(request: ExchangeView["request"]): string {
  const conversation = new Conversation();
  conversation.request(request);
  const human = conversation.items.findLast(
    (item) => item.kind === "message" && item.role === "human",
  );
  return human?.kind === "message" ? plainText(human) : "";
}

const isWhole = (row: ExchangeRow | ExchangeView): row is ExchangeView => "request" in row;

function contains(row: ExchangeRow | ExchangeView, search: string): boolean {
  const { exchange, method, path, asked, thread } = row;
  const body = isWhole(row) ? JSON.stringify(row.request.body ?? row.request.text ?? "") : "";
  const text = [exchange, method, path, asked, thread, body].join("\n");
  return text.toLowerCase().includes(search.toLowerCase());
}

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}/g;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[\d.]*(Z|[+-]\d\d:\d\d)?/g;

/** What two exchanges are compared by: not ids, times and headers, which differ between any two. */
function parts({ request, response }: ExchangeView): Json {
  const { method, path, body, text } = request;
  const events = response.events?.map(({ event, data, text }) => ({ event, data, text }));
  const compared = {
    request: { method, path, body, text },
    response: { status: response.status, body: response.body, text: response.text, events },
  };
  return JSON.parse(JSON.stringify(compared).replace(ID, "(id)").replace(TIME, "(time)"));
}
