// Builds the conversation that a reader sees from requests and their responses. No DOM, no I/O.

import type { Json, JsonObject, ResponseView, StreamEvent } from "./api";
import {
  type Block,
  isObject,
  list,
  type Message,
  parsed,
  plainId,
  plainText,
  readMessage,
  type ToolCall,
  text,
} from "./messages";

export interface RequestView {
  method: string;
  path: string;
  body?: Json;
  text?: string;
}

/** Something that is neither a message nor a failure: an update of a node, a custom event, a resume. */
export interface Note {
  kind: "note";
  title: string;
  namespace: string;
  values: Json[];
}

export type Item =
  | Message
  | Note
  | { kind: "interrupt"; id: string; value: Json; namespace: string }
  | { kind: "error"; error: string; message: string }
  | { kind: "exchange"; label: string; method: string; path: string };

/** The conversation of one exchange, or of several that follow one another. */
export class Conversation {
  items: Item[] = [];
  /** The last state of the thread, without its messages. */
  state: JsonObject | undefined;
  #messages = new Map<string, Message>();
  #calls = new Map<string, ToolCall>();
  #chunks = new Map<Message, Chunks>();
  #open = new Map<string, Message>();
  /** Whether no state of this exchange was seen yet: the first holds what was there before. */
  #isStart = true;
  /** Whether that first state holds nothing else, since the request brings no message. */
  #startsEarlier = false;
  /** The place of the first item of this exchange. */
  #start = 0;
  #nodes = new Map<string, string>();

  /** Begin the next exchange of a thread. */
  exchange(label: string, request: RequestView, response: ResponseView | null): void {
    this.items.push({ kind: "exchange", label, method: request.method, path: request.path });
    this.request(request);
    this.response(response);
  }

  request({ body }: RequestView): void {
    this.#isStart = true;
    this.#start = this.items.length;
    this.#startsEarlier = false;
    if (!isObject(body)) return;
    const run = isObject(body.params) ? body.params : body;
    if (isObject(body.params) && "response" in run) this.#note("resume", "", run.response ?? null);
    for (const response of list(run.responses)) this.#note("resume", "", response);
    this.#input(run.input);
    const modes =
      typeof body.stream_mode === "string" ? [body.stream_mode] : list(body.stream_mode);
    this.#startsEarlier =
      modes.includes("values") &&
      !this.items.slice(this.#start).some(({ kind }) => kind === "message");
    if (isObject(run.command)) {
      const { resume, update, goto } = run.command;
      if (resume !== undefined && resume !== null) this.#note("resume", "", resume);
      if (goto !== undefined && goto !== null) this.#note("go to", "", goto);
      this.#input(update);
    }
  }

  response(response: ResponseView | null): void {
    if (!response) return;
    for (const event of response.events ?? []) this.event(event);
    if (response.body !== undefined) this.#body(response.body, response.status);
    else if (response.status >= 400) this.#fail(`status ${response.status}`, response.text ?? "");
  }

  /** Take the next event of a stream. */
  event({ event, data }: StreamEvent): void {
    if (data === undefined) return;
    if (isObject(data) && data.type === "event" && isObject(data.params)) {
      this.#protocolEvent(text(data.method), data.params);
      return;
    }
    const [mode = "", namespace = ""] = event.split(/\|(.*)/s);
    switch (mode) {
      case "values":
        this.#values(data, namespace);
        break;
      case "updates":
        this.#updates(data, namespace);
        break;
      case "messages":
        this.#chunk(data, namespace);
        break;
      case "messages/metadata":
        this.#metadata(data);
        break;
      case "messages/partial":
      case "messages/complete":
        for (const message of list(data)) this.#put(readMessage(message), { namespace });
        break;
      case "events":
        this.#callback(data, namespace);
        break;
      case "debug":
        if (isObject(data)) this.#task(data.payload, namespace);
        break;
      case "tasks":
        this.#task(data, namespace);
        break;
      case "custom":
        this.#note("custom", namespace, data);
        break;
      case "error":
        this.#error(data);
    }
  }

  #input(input: Json | undefined): void {
    if (input === undefined || input === null) return;
    const { messages, ...rest } = isObject(input) ? input : { input };
    const sent = isObject(messages) || typeof messages === "string" ? [messages] : list(messages);
    const known = sent.length > 1 ? this.items.length : 0;
    const read = sent.map(readMessage);
    const last = read.findLastIndex((message) => message?.role === "human");
    for (const [index, message] of read.entries()) {
      if (message) message.isEarlier = index < last && read.some((other) => other?.role === "ai");
      if (!message) this.#note("input", "", sent[index] ?? null);
      else if (message.role === "remove") this.#note("remove", "", message.id);
      else if (!this.#find(message, known)) this.#append(message);
    }
    if (Object.keys(rest).length) this.#note("input", "", rest);
  }

  /** Take a whole state: its messages are in the order of the thread. */
  #values(state: Json, namespace: string): void {
    if (!isObject(state)) return;
    const { messages, __interrupt__: interrupts, __error__: error, ...rest } = state;
    let position = this.#startsEarlier ? this.#start : this.items.length;
    let isBefore = this.#startsEarlier;
    for (const value of list(messages).toReversed()) {
      const message = readMessage(value);
      if (!message) continue;
      const known = this.#find(message, position);
      if (known) {
        this.#replace(known, message);
        const found = this.items.indexOf(known);
        if (found >= 0) position = found;
        isBefore = true;
      } else if (message.toolCallId && this.#calls.has(message.toolCallId)) {
        this.#put(message, { namespace });
      } else {
        message.namespace = namespace;
        message.isEarlier = this.#isStart && isBefore && namespace === "";
        this.#append(message, position);
      }
    }
    this.#attach();
    if (namespace === "") {
      this.#isStart = this.#startsEarlier = false;
      if (Object.keys(rest).length) this.state = rest;
    }
    this.#interrupts(interrupts, namespace);
    if (error !== undefined) this.#error(error);
  }

  #updates(data: Json, namespace: string): void {
    if (!isObject(data)) return;
    for (const [node, update] of Object.entries(data)) {
      if (node === "__interrupt__") this.#interrupts(update, namespace);
      else
        for (const part of Array.isArray(update) ? update : [update])
          this.#update(part, node, namespace);
    }
  }

  #update(update: Json, node: string, namespace: string): void {
    if (!isObject(update)) {
      if (update !== null) this.#note(node, namespace, update);
      return;
    }
    const { messages, ...rest } = update;
    for (const message of isObject(messages) ? [messages] : list(messages))
      this.#put(readMessage(message), { node, namespace });
    if (Object.keys(rest).length) this.#note(node, namespace, rest);
  }

  #chunk(data: Json, namespace: string): void {
    const [value, metadata] = list(data);
    const node = isObject(metadata) ? text(metadata.langgraph_node) : "";
    if (isObject(value) && text(value.type).endsWith("Chunk"))
      this.#add(value, "messages", node, namespace);
    else this.#put(readMessage(value), { node, namespace });
  }

  #metadata(data: Json): void {
    if (!isObject(data)) return;
    for (const [id, value] of Object.entries(data)) {
      const metadata = isObject(value) && isObject(value.metadata) ? value.metadata : {};
      this.#nodes.set(plainId(id), text(metadata.langgraph_node));
    }
  }

  /** Take a callback event of LangChain. */
  #callback(data: Json, namespace: string): void {
    if (!isObject(data) || !isObject(data.data)) return;
    const { chunk, output } = data.data;
    const metadata = isObject(data.metadata) ? data.metadata : {};
    const node = text(metadata.langgraph_node);
    switch (data.event) {
      case "on_chat_model_stream":
        if (isObject(chunk)) this.#add(chunk, "events", node, namespace);
        break;
      case "on_chat_model_end":
      case "on_tool_end":
        if (isObject(output)) this.#put(readMessage(output), { node, namespace });
        break;
      case "on_chain_end":
        if (list(data.parent_ids).length === 0 && output !== undefined) this.#values(output, "");
        break;
      case "on_custom_event":
        this.#note("custom", namespace, data.data);
    }
  }

  /** Take a task of the modes `tasks` and `debug`: its result is an update. */
  #task(task: Json | undefined, namespace: string): void {
    if (!isObject(task)) return;
    const { name, result } = task;
    if (Array.isArray(result)) {
      const channels = result.filter((pair): pair is [string, Json] => Array.isArray(pair));
      this.#update(Object.fromEntries(channels), text(name), namespace);
    } else if (result !== undefined) this.#update(result, text(name), namespace);
    this.#interrupts(task.interrupts, namespace);
  }

  #protocolEvent(method: string, params: JsonObject): void {
    const namespace = list(params.namespace).map(text).join("|");
    const data = params.data;
    if (data === undefined) return;
    switch (method) {
      case "values":
        this.#values(data, namespace);
        break;
      case "updates": {
        const node = text(params.node);
        if (node) this.#update(data, node, namespace);
        else this.#updates(data, namespace);
        break;
      }
      case "messages":
        if (isObject(data)) this.#block(data, namespace);
        break;
      case "tools":
        if (isObject(data)) this.#tool(data, namespace);
        break;
      case "tasks":
        this.#task(data, namespace);
        break;
      case "custom":
        this.#note("custom", namespace, data);
        break;
      case "input.requested":
        if (isObject(data))
          this.#interrupt(text(data.interrupt_id), data.payload ?? data.value ?? null, namespace);
        break;
      case "lifecycle":
        if (isObject(data) && namespace === "") {
          if (data.event === "running") this.#isStart = true;
          if (data.event === "failed") this.#fail("failed", text(data.error));
        }
    }
  }

  /** Take a part of a message in the event-stream protocol; the parts of one namespace are one message. */
  #block(data: JsonObject, namespace: string): void {
    if (data.event === "message-start") {
      this.#open.delete(namespace);
      if (data.role === "tool") return;
      const id = plainId(text(data.id));
      const message = readMessage({ type: text(data.role) || "ai", content: "", id });
      const known = message && this.#find(message);
      if (message && !known)
        this.#open.set(namespace, this.#append(Object.assign(message, { namespace })));
      return;
    }
    const message = this.#open.get(namespace);
    if (!message) return;
    const chunks = this.#chunksOf(message, "protocol");
    const index = Number(data.index ?? 0);
    if (isObject(data.content)) chunks.parts[index] = { ...data.content };
    const part = chunks.parts[index];
    if (isObject(data.delta) && isObject(part))
      for (const key of ["text", "reasoning", "args"] as const)
        if (key in data.delta) part[key] = text(part[key]) + text(data.delta[key]);
    const content = chunks.parts.filter((block) => block !== undefined);
    const whole = readMessage({ type: message.role, content });
    if (whole) this.#fill(message, whole.blocks, whole.toolCalls);
  }

  #tool(data: JsonObject, namespace: string): void {
    const id = text(data.tool_call_id);
    const output = isObject(data.output) ? readMessage(data.output) : undefined;
    if (data.event === "tool-finished")
      this.#put(
        output ?? readMessage({ type: "tool", content: data.output ?? "", tool_call_id: id }),
        { namespace },
      );
    if (data.event === "tool-error")
      this.#put(
        readMessage({
          type: "tool",
          content: text(data.message),
          tool_call_id: id,
          status: "error",
        }),
        { namespace },
      );
  }

  #body(body: Json, status: number): void {
    if (status >= 400) {
      const detail = isObject(body) ? (body.detail ?? body.message ?? body) : body;
      this.#fail(`status ${status}`, typeof detail === "string" ? detail : JSON.stringify(detail));
      return;
    }
    const state = Array.isArray(body) ? body[0] : body;
    if (!isObject(state)) return;
    if (isObject(state.values) && ("next" in state || "checkpoint" in state)) {
      this.#values(state.values, "");
      for (const task of list(state.tasks))
        if (isObject(task)) this.#interrupts(task.interrupts, "");
    } else if (body === state && state.type === "error" && "error" in state) {
      this.#fail(text(state.error), text(state.message));
    } else if (
      body === state &&
      ["messages", "__interrupt__", "__error__"].some((key) => key in state)
    )
      this.#values(state, "");
  }

  #interrupts(interrupts: Json | undefined, namespace: string): void {
    for (const interrupt of list(interrupts))
      if (isObject(interrupt))
        this.#interrupt(text(interrupt.id), interrupt.value ?? null, namespace);
  }

  #interrupt(id: string, value: Json, namespace: string): void {
    const isKnown = this.items.some(
      (item) =>
        item.kind === "interrupt" &&
        (id ? item.id === id : JSON.stringify(item.value) === JSON.stringify(value)),
    );
    if (!isKnown) this.items.push({ kind: "interrupt", id, value, namespace });
  }

  #error(data: Json): void {
    const error = typeof data === "string" ? (parsed(data) ?? data) : data;
    if (isObject(error)) this.#fail(text(error.error), text(error.message));
    else this.#fail("error", typeof error === "string" ? error : JSON.stringify(error));
  }

  #fail(error: string, message: string): void {
    const last = this.items.at(-1);
    const isKnown = last?.kind === "error" && (last.message === message || !message);
    if (!isKnown) this.items.push({ kind: "error", error, message });
  }

  #note(title: string, namespace: string, value: Json): void {
    const last = this.items.at(-1);
    if (last?.kind === "note" && last.title === title && last.namespace === namespace)
      last.values.push(value);
    else this.items.push({ kind: "note", title, namespace, values: [value] });
  }

  /** Return the known message that *message* is. Messages without an id are searched before *position*. */
  #find(message: Message, position = 0): Message | undefined {
    const known = message.id ? this.#messages.get(message.id) : undefined;
    if (known) return known;
    const own = plainText(message);
    for (let index = position - 1; index >= 0; index -= 1) {
      const item = this.items[index];
      if (
        item?.kind === "message" &&
        (!item.id || !message.id) &&
        item.role === message.role &&
        plainText(item) === own
      )
        return item;
    }
    return undefined;
  }

  /** Take a whole message. */
  #put(message: Message | undefined, facts: { node?: string; namespace: string }): void {
    if (!message) return;
    if (message.role === "remove") {
      this.#note("remove", facts.namespace, message.id);
      return;
    }
    const call = this.#calls.get(message.toolCallId);
    const known = this.#find(message, message.role === "human" ? this.items.length : 0);
    const current = known ?? Object.assign(message, { namespace: facts.namespace });
    current.node ||= facts.node ?? this.#nodes.get(message.id) ?? "";
    if (known) this.#replace(known, message);
    else if (!call) this.#append(message);
    if (call) {
      call.result = current;
      if (message.id) this.#messages.set(message.id, current);
    }
  }

  #append(message: Message, position = this.items.length): Message {
    this.items.splice(position, 0, message);
    if (message.id) this.#messages.set(message.id, message);
    this.#remember(message);
    return message;
  }

  #replace(known: Message, message: Message): void {
    if (message.id) {
      known.id = message.id;
      this.#messages.set(message.id, known);
    }
    known.isFailed = message.isFailed;
    known.name ||= message.name;
    this.#fill(known, message.blocks, message.toolCalls);
  }

  #fill(message: Message, blocks: Block[], toolCalls: ToolCall[]): void {
    message.blocks = blocks;
    if (!toolCalls.length) return;
    message.toolCalls = toolCalls.map((call) => ({
      ...call,
      result: this.#calls.get(call.id)?.result,
    }));
    this.#remember(message);
  }

  #remember(message: Message): void {
    for (const call of message.toolCalls) if (call.id) this.#calls.set(call.id, call);
  }

  /** Move the results of tools that came before their calls into these calls. */
  #attach(): void {
    this.items = this.items.filter((item) => {
      const call = item.kind === "message" ? this.#calls.get(item.toolCallId) : undefined;
      if (call && item.kind === "message") call.result = item;
      return !call;
    });
  }

  /** Add a chunk to its message. Only one stream mode may do that: two hold the same chunks. */
  #add(chunk: JsonObject, source: string, node: string, namespace: string): void {
    const message = readMessage(chunk);
    if (!message) return;
    const { blocks } = message;
    const last = this.items.at(-1);
    const isLast =
      last?.kind === "message" && !message.id && !last.id && last.role === message.role;
    let known = isLast ? last : this.#find(message);
    if (!known) {
      Object.assign(message, { node, namespace, blocks: [], toolCalls: [] });
      known = this.#append(message);
    }
    const chunks = this.#chunksOf(known, source);
    if (chunks.source !== source) return;
    for (const block of blocks) {
      const last = known.blocks.at(-1);
      if (last && "text" in block && "text" in last && last.kind === block.kind)
        last.text += block.text;
      else known.blocks.push(block);
    }
    for (const part of list(chunk.tool_call_chunks))
      if (isObject(part)) this.#argument(known, chunks, part);
  }

  #argument(message: Message, chunks: Chunks, part: JsonObject): void {
    const index = Number(part.index ?? 0);
    const call = chunks.calls[index] ?? { id: text(part.id), name: text(part.name), args: "" };
    if (!chunks.calls[index]) {
      chunks.calls[index] = call;
      message.toolCalls.push(call);
      if (call.id) this.#calls.set(call.id, call);
    }
    call.args = text(call.args) + text(part.args);
  }

  #chunksOf(message: Message, source: string): Chunks {
    const chunks = this.#chunks.get(message) ?? { source, parts: [], calls: [] };
    this.#chunks.set(message, chunks);
    return chunks;
  }
}

/** What came of a message in pieces, and from which stream mode. */
interface Chunks {
  source: string;
  parts: JsonObject[];
  calls: ToolCall[];
}
