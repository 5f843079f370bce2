// Chat messages in the spellings of LangChain and of the event-stream protocol, as values to show.

import type { Json, JsonObject } from "./api";

export type Block =
  | { kind: "text" | "reasoning"; text: string }
  | { kind: "image"; url: string }
  | { kind: "other"; value: Json };

export interface ToolCall {
  id: string;
  name: string;
  /** A text while the arguments are not complete. */
  args: Json;
  result?: Message;
}

export interface Message {
  kind: "message";
  /** "human", "ai", "system", "tool", or what the server wrote. */
  role: string;
  id: string;
  name: string;
  node: string;
  namespace: string;
  blocks: Block[];
  toolCalls: ToolCall[];
  toolCallId: string;
  isFailed: boolean;
  /** Whether it was in the thread before this request. */
  isEarlier: boolean;
}

const ROLES: Record<string, string> = {
  user: "human",
  assistant: "ai",
  AIMessageChunk: "ai",
  HumanMessageChunk: "human",
  SystemMessageChunk: "system",
  ToolMessageChunk: "tool",
  developer: "system",
};

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const text = (value: Json | undefined): string => (typeof value === "string" ? value : "");

export const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);

export function parsed(source: string): Json | undefined {
  try {
    return JSON.parse(source);
  } catch {
    return undefined;
  }
}

/** The id of a message: a whole message and its chunks differ in a `-0` at the end. */
export const plainId = (id: string) => id.replace(/^(lc_run--[0-9a-f-]{36})-0$/, "$1");

/** Return the message that *value* is, in any spelling, or undefined. */
export function readMessage(value: Json | undefined): Message | undefined {
  if (typeof value === "string") return create("human", { content: value });
  if (Array.isArray(value)) {
    const [role, content] = value;
    return value.length === 2 && typeof role === "string" && content !== undefined
      ? create(role, { content })
      : undefined;
  }
  if (!isObject(value)) return undefined;
  const role = text(value.type) || text(value.role);
  return role && "content" in value ? create(role, value) : undefined;
}

function create(role: string, value: JsonObject): Message {
  const kwargs = isObject(value.additional_kwargs) ? value.additional_kwargs : {};
  const thought = text(kwargs.reasoning_content);
  return {
    kind: "message",
    role: ROLES[role] ?? role,
    id: plainId(text(value.id)),
    name: text(value.name),
    node: "",
    namespace: "",
    blocks: [
      ...(thought ? [{ kind: "reasoning" as const, text: thought }] : []),
      ...readBlocks(value.content),
    ],
    toolCalls: readToolCalls(value, kwargs),
    toolCallId: text(value.tool_call_id),
    isFailed: value.status === "error",
    isEarlier: false,
  };
}

export function readBlocks(content: Json | undefined): Block[] {
  if (typeof content === "string") return content ? [{ kind: "text", text: content }] : [];
  if (content === undefined || content === null) return [];
  if (!Array.isArray(content)) return [{ kind: "other", value: content }];
  return content.flatMap(readBlock);
}

function readBlock(part: Json): Block[] {
  if (typeof part === "string") return part ? [{ kind: "text", text: part }] : [];
  if (!isObject(part)) return [{ kind: "other", value: part }];
  switch (part.type) {
    case "text":
    case "output_text":
    case "text_delta":
      return [{ kind: "text", text: text(part.text) }];
    case "reasoning":
    case "thinking":
      return [{ kind: "reasoning", text: readReasoning(part) }];
    case "tool_call":
    case "tool_use":
    case "tool_call_chunk":
    case "input_json_delta":
      return [];
    case "image":
    case "image_url":
    case "input_image": {
      const url = readImage(part);
      return [url ? { kind: "image", url } : { kind: "other", value: part }];
    }
    default:
      return [{ kind: "other", value: part }];
  }
}

function readReasoning(part: JsonObject): string {
  const summary = list(part.summary).map((entry) => (isObject(entry) ? text(entry.text) : ""));
  return text(part.reasoning) || text(part.thinking) || text(part.text) || summary.join("\n");
}

/** Return the image as a `data:` URL; others are not loaded, since the page asks no other host. */
function readImage(part: JsonObject): string | undefined {
  const source = isObject(part.source) ? part.source : part;
  const nested = isObject(part.image_url) ? text(part.image_url.url) : text(part.image_url);
  const type = text(source.media_type) || text(source.mime_type) || text(source.mimeType);
  const encoded = text(source.data) || text(source.base64);
  const url = encoded ? `data:${type || "image/png"};base64,${encoded}` : nested || text(part.url);
  return /^data:image\/(png|jpeg|gif|webp|avif);base64,[\w+/=\s]+$/.test(url) ? url : undefined;
}

function readToolCalls(value: JsonObject, kwargs: JsonObject): ToolCall[] {
  const calls = list(value.tool_calls).length ? list(value.tool_calls) : list(kwargs.tool_calls);
  const invalid = list(value.invalid_tool_calls);
  const parts = list(value.content).filter(
    (part) =>
      isObject(part) && ["tool_call", "tool_use", "tool_call_chunk"].includes(text(part.type)),
  );
  return (calls.length || invalid.length ? [...calls, ...invalid] : parts).flatMap((call) =>
    isObject(call) ? [readToolCall(call)] : [],
  );
}

function readToolCall(call: JsonObject): ToolCall {
  const inner = isObject(call.function) ? call.function : call;
  const args = inner.args ?? inner.arguments ?? inner.input ?? {};
  return { id: text(call.id), name: text(inner.name), args };
}

/** Return the text of a message without its reasoning. */
export const plainText = ({ blocks }: Message): string =>
  blocks.map((block) => (block.kind === "text" ? block.text : "")).join("");
