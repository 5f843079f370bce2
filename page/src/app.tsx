import type { ComponentChildren } from "preact";
import type { Api, Health } from "./api";
import { useAsked } from "./asked";
import { link, useRoute } from "./route";

export interface View {
  name: string;
  title: string;
  /** Whether a server of this kind has the view. */
  isIn: (health: Health) => boolean;
  render: (place: string, health: Health) => ComponentChildren;
}

/** The page: a link to each of *views*, and the one that the address names. */
export function App({ api, views }: { api: Api; views: View[] }) {
  const route = useRoute();
  const health = useAsked(() => api.health(), []);
  if (!health.answer) return <p role="alert">{health.error ?? ""}</p>;
  const { answer } = health;
  const shown = views.filter((view) => view.isIn(answer));
  const current = shown.find(({ name }) => name === route.view) ?? shown[0];
  return (
    <>
      <header>
        <strong>mockserver {answer.mode}</strong>
        <nav aria-label="Views">
          {shown.map(({ name, title }) => (
            <a key={name} href={link(name)} aria-current={name === current?.name && "page"}>
              {title}
            </a>
          ))}
        </nav>
      </header>
      <main>{current?.render(route.view === current.name ? route.place : "", answer)}</main>
    </>
  );
}
