// What the page makes of the facts of a miss.

import assert from "node:assert/strict";
import { test } from "node:test";
import { quoteShell, shortenIds } from "../src/format";
import { compareTexts, proposeRules, readMiss } from "../src/live/difference";

const near = (exchange, differs, more = {}) => ({
  exchange,
  request: "POST /runs/wait",
  played: 0,
  differs,
  ...more,
});

test("the recording with the fewest differences comes first", () => {
  const path = "body.config";
  const facts = readMiss({
    reason: "no exchange matches",
    nearest: [
      near("a.yaml#1", [{ path }], { more: 9 }),
      near("a.yaml#2", [{ path }, { path }]),
      near("a.yaml#3", [{ path, got: null }], { ignore: [path] }),
    ],
  });

  assert.deepEqual(
    facts.nearest.map(({ exchange }) => exchange),
    ["a.yaml#3", "a.yaml#2", "a.yaml#1"],
  );
  assert.deepEqual(facts.nearest[0].differs, [{ path, got: null }]);
});

test("of recordings with as many differences, the one with the most similar text comes first", () => {
  const differs = (recorded) => [
    { path: "body.input.messages[0].content", recorded, got: "What is the weather in Lima?" },
  ];
  const { nearest } = readMiss({
    nearest: [
      near("a.yaml#1", differs("Hello!")),
      near("a.yaml#2", differs("What is the weather in Paris?")),
      near("a.yaml#3", [{ path: "body.config", got: {} }]),
    ],
  });

  assert.deepEqual(
    nearest.map(({ exchange }) => exchange),
    ["a.yaml#2", "a.yaml#1", "a.yaml#3"],
  );
});

test("a miss without nearest recordings names the cassettes", () => {
  const facts = readMiss({
    reason: "there is no cassette 'x'",
    nearest: [],
    cassettes: ["y"],
    more: 3,
  });

  assert.deepEqual(facts, {
    reason: "there is no cassette 'x'",
    nearest: [],
    cassettes: ["y"],
    more: 3,
  });
});

test("the proposed rules are lines of YAML", () => {
  assert.deepEqual(
    proposeRules({ ignore: ["body.config", "body.input.messages[0].it's"], volatile: ["uuid"] }),
    ["ignore: [body.config, 'body.input.messages[0].it''s']", "volatile: [uuid]"],
  );
  assert.deepEqual(proposeRules({ ignore: [], volatile: [] }), []);
});

test("two texts are cut where they differ", () => {
  assert.deepEqual(compareTexts("Hello Ann!", "Hello Bob!"), {
    before: "Hello ",
    recorded: "Ann",
    got: "Bob",
    after: "!",
  });
  assert.deepEqual(compareTexts("aaaa", "aaaaaa"), {
    before: "aaaa",
    recorded: "",
    got: "aa",
    after: "",
  });
  assert.deepEqual(compareTexts("fun 😀 end", "fun 😁 end"), {
    before: "fun ",
    recorded: "😀",
    got: "😁",
    after: " end",
  });
  assert.equal(compareTexts("Do it.", "What is the weather in Paris?"), null);
});

test("a word of a shell is quoted if it must be", () => {
  assert.equal(quoteShell("cassettes/chat.yaml"), "cassettes/chat.yaml");
  assert.equal(quoteShell("it's $HOME"), "'it'\\''s $HOME'");
  assert.equal(quoteShell(""), "''");
});

test("ids are cut, other text is not", () => {
  assert.equal(
    shortenIds("/threads/5c9a3d0e-6f0b-4e53-9a57-1d6c0c6f7a21/runs/stream"),
    "/threads/5c9a3d0e…/runs/stream",
  );
});
