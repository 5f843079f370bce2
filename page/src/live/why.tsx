import type { ComponentChildren } from "preact";
import type { Api, Call } from "../api";
import { Expected } from "../components/expected";
import { Progress } from "../components/progress";
import { Text } from "../components/text";

import { placeOf } from "../place";
import { link } from "../route";

const HOW: Record<string, string> = {
  derived:
    "made from the recorded events of this run, which was recorded with other stream modes or in another way",
  switched:
    "from another conversation with the same requests so far, but with other responses than this thread has had",
  closest: "the recorded run whose last human message is the most alike",
};

const REASONS: Record<string, string> = {
  created:
    "this request created the thread; of the recorded threads that fit, this session had used this one least often",
  kept: "the thread goes on in the conversation that it plays",
};

function explain({ source, how, conversation, exchange }: Call): string {
  if (how === "closest") return "";
  if (conversation) return REASONS[conversation.why] ?? conversation.why;
  switch (source) {
    case "cassette":
      return `the request means the same as the one of ${exchange}`;
    case "fake":
      return "no cassette holds this request, so the fake graph answered";
    case "upstream":
      return "the upstream answered; the exchange is recorded";
    case "fault":
      return "a fault was set for this request";
    default:
      return "";
  }
}

/** Why *call* got this response: what was played, how far the thread is, and which ids stand for recorded ones. */
export function WhyView({ api, call }: { api: Api; call: Call }) {
  const { exchange, conversation, how, ids, note, miss } = call;
  const pairs = Object.entries(ids);
  const reason = explain(call);
  return (
    <section class={`why of-${call.source}`} aria-labelledby="why-this">
      <h2 id="why-this">Why this response</h2>
      <dl class="why-facts">
        {exchange && (
          <Fact name="played">
            <a href={link("cassettes", placeOf(exchange))}>
              <Text>{exchange}</Text>
            </a>
            {how && (
              <>
                , <b>{how}</b>: {HOW[how] ?? ""}
              </>
            )}
          </Fact>
        )}
        {reason && (
          <Fact name="because">
            <Text>{reason}</Text>
          </Fact>
        )}
        {conversation?.conversation && (
          <Fact name="conversation">
            <Text>{conversation.conversation}</Text>
          </Fact>
        )}
        {conversation?.progress && (
          <Fact name="progress">
            <Progress progress={conversation.progress} />
          </Fact>
        )}
        {conversation && (
          <Fact name="expected next">
            {conversation.next ? (
              <Expected api={api} label={conversation.next} />
            ) : (
              "nothing: the conversation has been played to its end"
            )}
          </Fact>
        )}
        {call.fault != null && (
          <Fact name="fault">
            <Text>{JSON.stringify(call.fault)}</Text>
          </Fact>
        )}
        {note && !miss && (
          <Fact name="note">
            <Text>{note}</Text>
          </Fact>
        )}
      </dl>
      {pairs.length > 0 && (
        <details open={pairs.length < 4}>
          <summary>Ids that stand for recorded ones</summary>
          <table class="ids">
            <thead>
              <tr>
                <th scope="col">in the request</th>
                <th scope="col">in the recording</th>
              </tr>
            </thead>
            <tbody>
              {pairs.map(([live, recorded]) => (
                <tr key={live}>
                  <td>
                    <Text>{live}</Text>
                  </td>
                  <td>
                    <Text>{recorded}</Text>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
