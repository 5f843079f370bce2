import type { Api } from "../api";
import { useAsked } from "../asked";
import { shortenIds } from "../format";
import { findText } from "../live/feed";
import { placeOf } from "../place";
import { link } from "../route";
import { Text } from "./text";

/** The exchange *label*, with what its request says. */
export function Expected({ api, label }: { api: Api; label: string }) {
  const { answer } = useAsked(() => api.exchange(label), [label]);
  const text = answer && findText(answer.request);
  return (
    <>
      <a href={link("cassettes", placeOf(label))}>
        <Text>{label}</Text>
      </a>
      {answer && (
        <span class="muted">
          {" "}
          <Text>{`${answer.request.method} ${shortenIds(answer.request.path)}`}</Text>
        </span>
      )}
      {text && (
        <q>
          <Text>{text.slice(0, 200)}</Text>
        </q>
      )}
    </>
  );
}
