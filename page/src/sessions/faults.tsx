import { useState } from "preact/hooks";
import { useAsked } from "../asked";
import { Text } from "../components/text";
import { clearFaults, listFaults, setFault } from "./sessions_api";

/** The faults that are set, and how to set one; nothing if the server does not know faults. */
export function Faults({ sessions }: { sessions: string[] }) {
  const [turn, setTurn] = useState(0);
  const [error, setError] = useState("");
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
    const [path, times, session] = ["path", "times", "session"].map((name) =>
      String(fields.get(name) ?? ""),
    );
    change(
      setFault({
        fault: { status: Number(fields.get("status")) },
        ...(path && { path }),
        ...(times && { times: Number(times) }),
        ...(session && { session }),
      }),
    );
  };

  return (
    <section class="faults" aria-labelledby="faults">
      <h2 id="faults">Faults</h2>
      <p class="muted">
        A fault answers the next requests with an error, to see what a client does.
      </p>
      <form
        class="bar"
        aria-label="Set a fault"
        onSubmit={(event) => {
          event.preventDefault();
          submit(event.currentTarget);
        }}
      >
        <label>
          Status{" "}
          <select name="status">
            {[429, 500, 503, 401, 404, 408].map((status) => (
              <option key={status}>{status}</option>
            ))}
          </select>
        </label>
        <label>
          Path <input name="path" placeholder="any" size={18} />
        </label>
        <label>
          Times <input name="times" type="number" min={1} defaultValue="1" />
        </label>
        <label>
          Session{" "}
          <select name="session">
            <option value="">any</option>
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
                <Text>{JSON.stringify(fault)}</Text>
              </code>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
