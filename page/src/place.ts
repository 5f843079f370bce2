// What the view Cassettes shows, as a part of the address: `chat.yaml/3/timeline`.

export interface Place {
  cassette?: string;
  number?: number;
  tab: string;
  /** The label of the exchange to compare with. */
  other?: string;
}

export const TABS = ["conversation", "timeline", "events", "http", "yaml", "thread", "compare"];

const EXCHANGE = new RegExp(`^(.+?)/(\\d+)(?:/(${TABS.join("|")}))?$`);
const COMPARE = /^(.+?)\/(\d+)\/compare\/(.+)\/(\d+)$/;

export function readPlace(place: string): Place {
  const compared = COMPARE.exec(place);
  if (compared) {
    const [, cassette, number, other, otherNumber] = compared;
    return { cassette, number: Number(number), tab: "compare", other: `${other}#${otherNumber}` };
  }
  const exchange = EXCHANGE.exec(place);
  if (exchange) {
    const [, cassette, number, tab = "conversation"] = exchange;
    return { cassette, number: Number(number), tab };
  }
  return { cassette: place || undefined, tab: "conversation" };
}

/** `chat.yaml#3` as a place: `chat.yaml/3`, and below it a tab. */
export const placeOf = (label: string, tab?: string) =>
  label.replace(/#(\d+)$/, "/$1") + (tab && tab !== "conversation" ? `/${tab}` : "");
