// Server-sent events out of text that comes in pieces.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EventParser } from "../src/try/sse";

const parse = (...pieces) => {
  const parser = new EventParser();
  return pieces.flatMap((piece) => parser.feed(piece));
};

const STREAM =
  '\uFEFF: heartbeat\r\n\r\nevent: values\r\nid: 7\r\ndata: {"a":\r\ndata:  1}\r\n\r\n' +
  "data: x\n\nevent: end\ndata\n\nevent: nothing\n\nretry: 3\rdata: last\r\r:\n";
const EVENTS = [
  { event: "", comment: "heartbeat" },
  { event: "values", id: "7", data: '{"a":\n 1}' },
  { event: "message", data: "x" },
  { event: "end", data: "" },
  { event: "message", data: "last" },
  { event: "", comment: "" },
];

test("events and comments are read", () => {
  assert.deepEqual(parse(STREAM), EVENTS);
});

test("the same events come, wherever the text is cut", () => {
  for (let cut = 0; cut <= STREAM.length; cut++)
    assert.deepEqual(parse(STREAM.slice(0, cut), STREAM.slice(cut)), EVENTS, `cut at ${cut}`);
  assert.deepEqual(parse(...STREAM), EVENTS);
});

test("an event that is not complete is not read", () => {
  assert.deepEqual(parse("event: values\ndata: 1\n"), []);
});

test("an id with a zero byte does not count", () => {
  assert.deepEqual(parse("id: a\0b\ndata: 1\n\n"), [{ event: "message", data: "1" }]);
});
