// Which requests the view Live knows and shows.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  countSources,
  findIndex,
  findText,
  isProblem,
  isRestarted,
  merge,
  NO_FILTER,
  select,
  update,
} from "../src/live/feed";

const call = (number, changes = {}) => ({
  number,
  when: `2026-11-27T10:00:0${number % 10}.000+00:00`,
  session: "",
  method: "POST",
  path: "/runs/wait",
  status: 200,
  source: "cassette",
  exchange: "chat.yaml#1",
  ids: {},
  ...changes,
});
const numbers = (calls) => calls.map(({ number }) => number);
const happened = (...calls) => calls.map((data) => ({ event: "call", data }));
const reset = (session) => ({ event: "reset", data: { session } });

test("a new request comes first, and is known once", () => {
  const calls = update([call(2), call(1)], happened(call(4), call(3), call(2)));

  assert.deepEqual(numbers(calls), [4, 3, 2, 1]);
});

test("the end of a response belongs to its request, also if both come together", () => {
  const end = (number) => ({ event: "finished", data: { number, seconds: number / 2 } });
  const calls = update([call(1)], [...happened(call(2), call(3)), end(2), end(1)]);

  assert.deepEqual(
    calls.map(({ seconds }) => seconds),
    [undefined, 1, 0.5],
  );
});

test("a reset forgets the requests of a session before it, and none after it", () => {
  const known = [call(2, { session: "b" }), call(1, { session: "a" })];
  const news = [
    ...happened(call(3, { session: "a" })),
    reset("a"),
    ...happened(call(4, { session: "a" })),
  ];

  assert.deepEqual(numbers(update(known, news)), [4, 2]);
  assert.deepEqual(numbers(update(known, [reset(null)])), []);
});

test("pieces of the journal are put together, the later piece counts", () => {
  const calls = merge([call(3), call(2)], [call(1), call(2, { seconds: 1 })]);

  assert.deepEqual(numbers(calls), [3, 2, 1]);
  assert.deepEqual(numbers(merge([call(4), call(3)], [call(1), call(2)])), [4, 3, 2, 1]);
  assert.deepEqual(numbers(merge([call(2), call(1)], [call(3), call(4)])), [4, 3, 2, 1]);
  assert.equal(calls[1].seconds, 1);
});

test("a server that begins again is noticed by its numbers and by its times", () => {
  const known = [call(3), call(2)];

  assert.equal(isRestarted(known, [call(3), call(4)]), false);
  assert.equal(isRestarted(known, [call(7), call(8)]), false);
  assert.equal(isRestarted([], [call(1)]), false);
  assert.equal(isRestarted(known, []), true);
  assert.equal(isRestarted(known, [call(1)]), true);
  assert.equal(isRestarted(known, [call(3, { when: "2026-11-27T11:00:00.000+00:00" })]), true);
});

test("a filter selects by text, source, session and problems", () => {
  const calls = [
    call(5, { source: "fake", exchange: null, miss: { nearest: [] } }),
    call(4, { source: "miss", exchange: null, miss: {}, session: "t1" }),
    call(3, { body: { input: "Weather in Paris" } }),
    call(2, { path: "/threads", session: "t1" }),
    call(1, { source: "error", status: 500 }),
  ];
  const selected = (changes) => numbers(select(calls, { ...NO_FILTER, ...changes }));

  assert.deepEqual(selected({}), [5, 4, 3, 2, 1]);
  assert.deepEqual(selected({ text: "paris  WEATHER" }), [3]);
  assert.deepEqual(selected({ text: "near miss" }), [5]);
  assert.deepEqual(selected({ text: "500" }), [1]);
  assert.deepEqual(selected({ source: "miss" }), [4]);
  assert.deepEqual(selected({ session: "t1" }), [4, 2]);
  assert.deepEqual(selected({ session: "" }), [5, 3, 1]);
  assert.deepEqual(selected({ onlyProblems: true }), [5, 4, 1]);
  assert.deepEqual(selected({ onlyProblems: true, session: "t1" }), [4]);
  assert.equal(isProblem(calls[2]), false);
  assert.deepEqual(countSources(calls), [
    ["cassette", 2],
    ["fake", 1],
    ["miss", 1],
    ["error", 1],
  ]);
});

test("a request is named by the last text of a human, or by its answer to an interrupt", () => {
  const messages = [
    { role: "human", content: "first" },
    { type: "human", content: "second" },
    { type: "ai", content: "third" },
  ];

  assert.equal(findText({ body: { input: { messages } } }), "second");
  assert.equal(
    findText({ body: { method: "run.start", params: { input: { messages } } } }),
    "second",
  );
  assert.equal(findText({ body: { command: { resume: { ok: true } } } }), 'resume {"ok":true}');
  assert.equal(
    findText({ body: { input: { messages: [{ role: "user", content: [{ text: "x" }] }] } } }),
    '[{"text":"x"}]',
  );
  for (const body of [
    undefined,
    null,
    [],
    "text",
    {},
    { input: [] },
    { input: { messages: [null, "x", []] } },
  ])
    assert.equal(findText({ body }), "");
});

test("a request is found by its number", () => {
  const calls = [call(9), call(5), call(4), call(1)];

  assert.deepEqual(
    [9, 5, 4, 1, 10, 3, 0, null].map((number) => findIndex(calls, number)),
    [0, 1, 2, 3, -1, -1, -1, -1],
  );
  assert.equal(findIndex([], 1), -1);
});
