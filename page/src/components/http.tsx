import type { ExchangeView, ResponseView } from "../api";
import { Body } from "./conversation";
import { Copy } from "./copy";
import { seconds } from "./events";
import { Text } from "./text";

/** The heads and the bodies of a request and its response. */
export function Http({
  request,
  response,
}: {
  request: ExchangeView["request"];
  response: ResponseView | null;
}) {
  return (
    <div class="bodies">
      <section>
        <h2>Request</h2>
        <p class="first-line">
          <Text>{`${request.method} ${request.path}`}</Text>
        </p>
        <Headers headers={request.headers} />
        <div class="bar">
          <h3>Body</h3>
          {request.body !== undefined && (
            <Copy text={JSON.stringify(request.body, null, 2)} label="Copy" />
          )}
        </div>
        <Body body={request.body} text={request.text} />
      </section>
      <section>
        <h2>Response</h2>
        {response ? <Answer response={response} /> : <p class="muted">It is not kept any more.</p>}
      </section>
    </div>
  );
}

function Answer({ response }: { response: ResponseView }) {
  const { events } = response;
  return (
    <>
      <p class="first-line">
        {response.status}
        {response.seconds !== undefined && ` after ${seconds(response.seconds)}`}
        {response.end && response.end !== "closed" && (
          <>
            , ended: <Text>{response.end}</Text>
          </>
        )}
      </p>
      <Headers headers={response.headers} />
      <div class="bar">
        <h3>Body</h3>
        {response.body !== undefined && (
          <Copy text={JSON.stringify(response.body, null, 2)} label="Copy" />
        )}
      </div>
      {events?.length ? (
        <p class="muted">{events.length.toLocaleString("en")} events: see Events.</p>
      ) : (
        <Body body={response.body} text={response.text} />
      )}
      {response.truncated && <p class="muted">More was sent than is kept.</p>}
    </>
  );
}

function Headers({ headers }: { headers: [string, string][] }) {
  if (headers.length === 0) return <p class="muted">no recorded headers</p>;
  return (
    <table class="headers">
      <tbody>
        {headers.map(([name, value], index) => (
          <tr key={`${index} ${name}`}>
            <th scope="row">
              <Text>{name}</Text>
            </th>
            <td>
              <Text>{value}</Text>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
