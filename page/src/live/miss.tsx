import type { Api, Call, Json } from "../api";
import { useAsked } from "../asked";
import { Copy } from "../components/copy";
import { Text } from "../components/text";
import { count, quoteShell, shortenIds } from "../format";
import { placeOf } from "../place";
import { link } from "../route";
import {
  type Changed,
  compareTexts,
  type FieldDifference,
  type Near,
  proposeRules,
  readMiss,
} from "./difference";
import { isNearMiss } from "./feed";

/** Why nothing that was recorded matches *call*, and what to do. */
export function MissView({ api, call }: { api: Api; call: Call }) {
  if (!call.miss) return null;
  const { reason, nearest, cassettes, more } = readMiss(call.miss);
  const [closest, ...others] = nearest;
  return (
    <section class="miss" aria-labelledby="why-missed">
      <h2 id="why-missed">
        {isNearMiss(call) ? (
          "Near miss: a recording almost matches"
        ) : (
          <>
            Miss: <Text>{reason}</Text>
          </>
        )}
      </h2>
      {isNearMiss(call) && (
        <p>Nothing recorded matches this request, so the fake graph answered.</p>
      )}
      {closest ? (
        <NearView near={closest} />
      ) : (
        cassettes.length === 0 && <p>Nothing similar was recorded.</p>
      )}
      {cassettes.length > 0 && (
        <p>
          The cassettes with the most similar names: <Text>{cassettes.join(", ")}</Text>
          {more > 0 && ` (and ${more} more)`}
        </p>
      )}
      <Ways api={api} near={closest} />
      {others.length > 0 && <h3>Less similar</h3>}
      {others.map((near) => (
        <details key={near.exchange}>
          <summary>
            <b>
              <Text>{near.exchange}</Text>
            </b>{" "}
            <Text>{shortenIds(near.request)}</Text>:{" "}
            {count(near.differs.length + near.more, "difference")}
          </summary>
          <NearView near={near} />
        </details>
      ))}
    </section>
  );
}

const PLAYED = ["was not played yet", "was played once"];

function NearView({ near }: { near: Near }) {
  const { exchange, request, differs, more, played, prefix } = near;
  return (
    <div class="near-request">
      <p>
        The nearest recording is{" "}
        <a href={link("cassettes", placeOf(exchange))}>
          <Text>{exchange}</Text>
        </a>
        ,{" "}
        <code>
          <Text>{request}</Text>
        </code>
        , which {PLAYED[played] ?? `was played ${played} times`}.{" "}
        {differs.length === 0
          ? "It does not differ."
          : `It differs in ${count(differs.length + more, "field")}:`}
      </p>
      {differs.map((difference) => (
        <Field key={difference.path} difference={difference} />
      ))}
      {more > 0 && <p class="muted">and {count(more, "more difference")}</p>}
      {prefix && <Prefix {...prefix} />}
    </div>
  );
}

function Field({ difference }: { difference: FieldDifference }) {
  const { path, recorded, got } = difference;
  const changed =
    typeof recorded === "string" && typeof got === "string" ? compareTexts(recorded, got) : null;
  return (
    <table class="difference">
      <caption>
        <Text>{path || "the body"}</Text>
      </caption>
      <tbody>
        {(["recorded", "got"] as const).map((side) => (
          <tr key={side} class={side}>
            <th scope="row">{side === "got" ? "this request" : side}</th>
            <td>
              {changed ? (
                <ChangedText changed={changed} side={side} />
              ) : (
                <Value value={difference[side]} />
              )}
              {difference.default === side && <span class="muted"> (the default)</span>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Value({ value }: { value?: Json }) {
  if (value === undefined) return <span class="muted">(absent)</span>;
  return <Text>{JSON.stringify(value)}</Text>;
}

function ChangedText({ changed, side }: { changed: Changed; side: "recorded" | "got" }) {
  return (
    <>
      "<Text>{changed.before}</Text>
      {changed[side] && (
        <span class="changed">
          <Text>{changed[side]}</Text>
        </span>
      )}
      <Text>{changed.after}</Text>"
    </>
  );
}

function Prefix({ recorded, got }: { recorded: string; got: string }) {
  if (recorded)
    return (
      <p>
        The recorded path has the prefix{" "}
        <code>
          <Text>{recorded}</Text>
        </code>
        : the client's base URL must end with it.
      </p>
    );
  return (
    <p>
      The recorded path has no prefix: start mockserver with{" "}
      <code>
        <Text>{`--prefix ${quoteShell(got)}`}</Text>
      </code>
      , or remove it from the client's base URL.
    </p>
  );
}

/** What to do about a miss: match it anyway, record it, or change the client. */
function Ways({ api, near }: { api: Api; near?: Near | undefined }) {
  const label = near?.exchange;
  const { answer, error } = useAsked(
    async () => (label ? api.exchange(label) : null),
    [api, label],
  );
  const rules = near ? proposeRules(near) : [];
  const name = label?.replace(/#\d+$/, "") ?? "chat.yaml";
  const file = answer?.file ?? name;
  return (
    <div class="ways">
      <h3>What to do</h3>
      <dl>
        {rules.length > 0 && (
          <>
            <dt>Match it anyway</dt>
            <dd>
              If these values do not matter, add this to <code>mockserver.yaml</code>, or to the
              first document of{" "}
              <code>
                <Text>{name}</Text>
              </code>
              :
              {rules.map((rule) => (
                <Line key={rule} text={rule} label={`Copy ${rule.split(":")[0]} line`} />
              ))}
            </dd>
          </>
        )}
        <dt>Record it</dt>
        <dd>
          If the client is right, record the new request, with the URL of your Agent Server:
          {(answer !== undefined || error !== undefined) && (
            <Line
              text={`mockserver record ${quoteShell(file)} --extend --upstream http://127.0.0.1:2024`}
              label="Copy record command"
            />
          )}
        </dd>
        {rules.length === 0 && near && near.differs.length > 0 && (
          <>
            <dt>Change the client</dt>
            <dd>
              {near.differs.length === 1
                ? "This field decides"
                : "At least one of these fields decides"}{" "}
              what the response holds, so the recorded response fits only if the client sends the
              recorded value.
            </dd>
          </>
        )}
      </dl>
    </div>
  );
}

function Line({ text, label }: { text: string; label: string }) {
  return (
    <div class="line">
      <code>
        <Text>{text}</Text>
      </code>
      <Copy text={text} label={label} />
    </div>
  );
}
