// What the control API answers, as docs/control.md describes it, and how to ask it.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export type Source = "cassette" | "fake" | "upstream" | "miss" | "error" | "fault";

export interface Health {
  mode: "serve" | "replay" | "record" | "show" | "report";
  version: string;
  cassettes: number;
  exchanges: number;
}

/** Where a thread stands in a recorded conversation, and why this was played. */
export interface Place {
  conversation: string;
  progress: string;
  next: string | null;
  why: string;
}

/** Where two exchanges differ, apart from ids and times; a value that is absent has no key. */
export interface Change {
  path: string;
  left?: Json;
  right?: Json;
  /** How many events differ like this, if it is more than one. */
  times?: number;
}

/** One difference between a request and the nearest recorded one. */
export interface Difference {
  path: string;
  sent?: Json;
  recorded?: Json;
}

/** A request, as the journal shows it. */
export interface Call {
  /** The first request of the server has the number 1. */
  number: number;
  when: string;
  session: string;
  method: string;
  path: string;
  body?: Json;
  text?: string;
  status: number;
  source: Source;
  exchange: string | null;
  ids: Record<string, string>;
  asked?: string;
  how?: string;
  conversation?: Place;
  note?: string;
  miss?: JsonObject;
  fault?: Json;
  /** How long the response took; absent while it is being sent. */
  seconds?: number;
}

export interface StreamEvent {
  /** Seconds after the request. */
  at: number;
  /** The name of the event; empty for a comment, such as a heartbeat. */
  event: string;
  id?: string;
  data?: Json;
  /** The data, if it is not JSON, or the text of a comment. */
  text?: string;
}

export interface ResponseView {
  status: number;
  headers: [string, string][];
  /** The events of a stream; a response without events has a body or a text. */
  events?: StreamEvent[];
  body?: Json;
  text?: string;
  /** Seconds after the request when the response was complete. */
  seconds?: number;
  /** How a stream ended if not by itself: "cut", "open", … */
  end?: string;
  /** Whether more was sent than is kept. */
  truncated?: boolean;
}

export interface CallView extends Call {
  headers: [string, string][];
  /** The response as far as it was sent; null if it is not kept any more. */
  response: ResponseView | null;
}

export interface Cassette {
  cassette: string;
  exchanges: number;
  /** How many of its exchanges were played. */
  played: number;
}

export interface ExchangeRow {
  exchange: string;
  cassette: string;
  number: number;
  method: string;
  path: string;
  asked?: string;
  thread?: string;
  /** The last human message of the request. */
  human?: string;
  played: number;
}

export interface Finding {
  code: string;
  message: string;
  /** How to fix it. */
  fix: string;
  cassette: string;
  exchange: string | null;
  /** The path of the file. */
  file: string;
  line: number;
}

export interface ExchangeView extends ExchangeRow {
  /** The path of the file, and the line at which the exchange begins there. */
  file: string;
  line: number;
  yaml: string;
  request: {
    method: string;
    path: string;
    headers: [string, string][];
    body?: Json;
    text?: string;
  };
  response: ResponseView;
  findings: Finding[];
}

export interface Thread {
  thread: string;
  /** Who answers it: a recorded conversation, or the fake graph. */
  source: "cassette" | "fake";
  conversation?: string;
  progress?: string;
  next?: string | null;
}

export interface Session {
  session: string;
  requests: number;
  threads: Thread[];
}

export interface Page<Row> {
  rows: Row[];
  total: number;
}

/** Where the views get what they show: from a running server, or from the file that they are in. */
export interface Api {
  health(): Promise<Health>;
  cassettes(): Promise<Cassette[]>;
  exchanges(query: ExchangeQuery): Promise<Page<ExchangeRow>>;
  exchange(label: string): Promise<ExchangeView>;
  /** The findings of the linter in a *cassette*, or in all. */
  findings(cassette?: string): Promise<Finding[]>;
  compare(left: string, right: string): Promise<Change[]>;
  /** The latest calls before the call with the number *before*, the oldest first. */
  calls(before?: number): Promise<{ calls: Call[]; total: number }>;
  call(number: number): Promise<CallView>;
}

export interface ExchangeQuery {
  /** From 1. */
  page: number;
  perPage: number;
  cassette?: string;
  search?: string;
}
