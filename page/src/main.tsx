import { render } from "preact";
import type { Health } from "./api";
import { App } from "./app";
import { embeddedApi, readEmbedded } from "./embedded_api";
import { follow, isReplaying, server } from "./server_api";
import { Cassettes } from "./views/cassettes";
import { Live } from "./views/live";
import { Sessions } from "./views/sessions";
import { Try } from "./views/try";

const data = readEmbedded();
const api = data ? embeddedApi(data) : server;
if (data) document.title = data.title;

const views = [
  {
    name: "live",
    title: data ? "Requests" : "Live",
    isIn: ({ mode }: Health) => mode !== "show",
    render: (place: string) => <Live api={api} follow={data ? undefined : follow} place={place} />,
  },
  {
    name: "cassettes",
    title: "Cassettes",
    isIn: () => true,
    render: (place: string, health: Health) => (
      <Cassettes api={api} place={place} health={health} />
    ),
  },
  {
    name: "sessions",
    title: "Sessions",
    isIn: isReplaying,
    render: () => <Sessions api={server} />,
  },
  { name: "try", title: "Try", isIn: isReplaying, render: () => <Try api={server} /> },
];

const root = document.getElementById("root");
if (root) render(<App api={api} views={views} />, root);
