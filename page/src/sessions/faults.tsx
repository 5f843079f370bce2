import { useState } from "preact/hooks";
import type { JsonObject } from "../api";
import { useAsked } from "../asked";
import { Text } from "../components/text";
import { type ArmedFault, clearFaults, listFaults, setFault } from "./sessions_api";

/** For each kind of fault what a client gets, and what its number means. */
const KINDS = {
  status: { title: "an error status", unit: "Status", number: 429, min: 400 },
  cut: { title: "the connection breaks", unit: "After events", number: 3, min: 0 },
  stall: { title: "a pause", unit: "After events", number: 3, min: 0 },
  split: { title: "small chunks", unit: "Bytes", number: 7, min: 1 },
  garbage: { title: "an event that is not JSON", unit: "After events", number: 2, min: 0 },
};
type Kind = keyof typeof KINDS;

function describe({ fault, path, session, exchange, times }: ArmedFault): string {
  const requests =
    times === null ? "all requests" : times === 1 ? "1 request" : `${times} requests`;
  const where = [
    path && `for ${path}`,
    exchange && `answered by ${exchange}`,
    session === "*"
      ? "in any session"
      : session
        ? `in session ${session}`
        : "in the unnamed session",
  ];
  return `${JSON.stringify(fault)}: ${[requests, ...where].filter(Boolean).join(" ")}`;
}

/** The faults that are set, and how to set one. */
export function Faults({ sessions }: { sessions: string[] }) {
  const [turn, setTurn] = useState(0);
  const [error, setError] = useState("");
  const [kind, setKind] = useState<Kind>("status");
  const { answer, error: listError } = useAsked(listFaults, [turn]);
  if (!answer) return listError ? <p role="alert">{listError}</p> : null;

  const change = async (changed: Promise<unknown>) => {
    try {
      await changed;
      setError("");
    } catch (failure) {
      setError((failure as Error).message);
    }
    setTurn((before) => before + 1);
  };
  const submit = (form: HTMLFormElement) => {
    const fields = new FormData(form);
    const read = (name: string) => String(fields.get(name) ?? "");
    const fault: JsonObject = { [kind]: Number(read("number")) };
    if (kind === "stall") fault.seconds = Number(read("seconds"));
    const path = read("path");
    change(
      setFault({
        fault,
        ...(path && { path }),
        times: Number(read("times")),
        session: read("session"),
      }),
    );
  };
  const { unit, number, min } = KINDS[kind];

  return (
    <section class="faults" aria-labelledby="faults">
      <h2 id="faults">Faults</h2>
      <p class="muted">A fault makes the next responses go wrong, to see what a client does.</p>
      <form
        class="bar"
        aria-label="Set a fault"
        onSubmit={(event) => {
          event.preventDefault();
          submit(event.currentTarget);
        }}
      >
        <label>
          Fault{" "}
          <select
            name="kind"
            value={kind}
            onChange={({ currentTarget }) => setKind(currentTarget.value as Kind)}
          >
            {Object.entries(KINDS).map(([name, { title }]) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <label key={kind}>
          {unit} <input name="number" type="number" min={min} required defaultValue={`${number}`} />
        </label>
        {kind === "stall" && (
          <label>
            Seconds <input name="seconds" type="number" min={1} required defaultValue="30" />
          </label>
        )}
        <label>
          Path <input name="path" placeholder="any" size={18} />
        </label>
        <label>
          Times <input name="times" type="number" min={1} required defaultValue="1" />
        </label>
        <label>
          Session{" "}
          <select name="session">
            <option value="*">any</option>
            <option value="">(unnamed)</option>
            {sessions.filter(Boolean).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <button type="submit">Set</button>
        <button type="button" disabled={answer.length === 0} onClick={() => change(clearFaults())}>
          Clear all
        </button>
      </form>
      {error && (
        <p role="alert" class="notice">
          <Text>{error}</Text>
        </p>
      )}
      {answer.length === 0 ? (
        <p class="muted">None is set.</p>
      ) : (
        <ul>
          {answer.map((fault, index) => (
            <li key={index}>
              <code>
                <Text>{describe(fault)}</Text>
              </code>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
