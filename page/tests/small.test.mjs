import assert from "node:assert/strict";
import { test } from "node:test";
import { differences } from "../src/differences.ts";
import { countUntil, gapsOf, lanesOf } from "../src/lanes.ts";
import { placeOf, readPlace } from "../src/place.ts";
import { visible } from "../src/visible.ts";

test("characters that hide or reorder text have a name", () => {
  assert.equal(
    visible("a\u202eb\u2066c\u200bd\u2028e\u0000f\u{e0041}"),
    "a⟨U+202E⟩b⟨U+2066⟩c⟨U+200B⟩d⟨U+2028⟩e⟨U+0000⟩f⟨U+E0041⟩",
  );
  assert.equal(visible("שלום\n👩‍🚀\tok"), "שלום\n👩‍🚀\tok");
});

test("a lane for each mode and namespace, heartbeats last", () => {
  const heartbeat = { at: 5, event: "", text: "heartbeat" };
  const inner = { at: 2, event: "updates|inner:abc|deep:def", data: {} };
  const method = {
    at: 3,
    event: "message",
    data: { type: "event", method: "tools", params: { namespace: ["tools:1"] } },
  };
  const lanes = lanesOf([
    heartbeat,
    { at: 1, event: "updates", data: {} },
    inner,
    method,
    heartbeat,
  ]);
  assert.deepEqual(
    lanes.map(({ name, events }) => [name, events]),
    [
      ["updates", [1]],
      ["updates › inner › deep", [2]],
      ["tools › tools", [3]],
      ["heartbeats", [0, 4]],
    ],
  );
});

test("many namespaces share a lane", () => {
  const events = Array.from({ length: 40 }, (_, index) => ({
    at: index,
    event: `mode${index}`,
    data: 1,
  }));
  const lanes = lanesOf(events);
  assert.equal(lanes.length, 25);
  assert.deepEqual([lanes.at(-1).name, lanes.at(-1).events.length], ["others", 16]);
});

test("heartbeats fill no gap", () => {
  const events = [
    { at: 1, event: "values", data: 1 },
    { at: 5, event: "", text: "heartbeat" },
    { at: 8, event: "values", data: 1 },
  ];
  assert.deepEqual(gapsOf(events, 9), [
    { from: 0, to: 1 },
    { from: 1, to: 8 },
    { from: 8, to: 9 },
  ]);
});

test("the number of events until a time", () => {
  const events = [1, 2, 2, 3].map((at) => ({ at, event: "x" }));
  assert.deepEqual(
    [0, 1, 2, 2.5, 9].map((at) => countUntil(events, at)),
    [0, 1, 3, 3, 4],
  );
});

test("a place in the address", () => {
  assert.deepEqual(readPlace(""), { cassette: undefined, tab: "conversation" });
  assert.deepEqual(readPlace("a/chat.yaml"), { cassette: "a/chat.yaml", tab: "conversation" });
  assert.deepEqual(readPlace("a/2/chat.yaml/3"), {
    cassette: "a/2/chat.yaml",
    number: 3,
    tab: "conversation",
  });
  assert.deepEqual(readPlace("chat.yaml/3/timeline"), {
    cassette: "chat.yaml",
    number: 3,
    tab: "timeline",
  });
  assert.deepEqual(readPlace("chat.yaml/3/compare/b/x.yaml/7"), {
    cassette: "chat.yaml",
    number: 3,
    tab: "compare",
    other: "b/x.yaml#7",
  });
  assert.equal(placeOf("a/chat.yaml#3"), "a/chat.yaml/3");
  assert.equal(placeOf("chat.yaml#3", "yaml"), "chat.yaml/3/yaml");
});

test("the differences of two values", () => {
  assert.deepEqual(
    differences({ a: [1, { "b c": 2 }], d: 1 }, { a: [1, { "b c": 3 }, 4], e: null }),
    [
      { path: 'a[1]["b c"]', left: 2, right: 3 },
      { path: "a[2]", left: undefined, right: 4 },
      { path: "d", left: 1, right: undefined },
      { path: "e", left: undefined, right: null },
    ],
  );
  assert.deepEqual(differences({ a: 1, b: [] }, { b: [], a: 1 }), []);
});
