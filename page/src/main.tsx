import { render } from "preact";
import { App } from "./app";
import { isReplaying, server } from "./server_api";
import { Cassettes } from "./views/cassettes";
import { Live } from "./views/live";
import { Sessions } from "./views/sessions";
import { Try } from "./views/try";

const views = [
  {
    name: "live",
    title: "Live",
    isIn: () => true,
    render: (place: string) => <Live api={server} place={place} />,
  },
  {
    name: "cassettes",
    title: "Cassettes",
    isIn: () => true,
    render: (place: string) => <Cassettes api={server} place={place} />,
  },
  { name: "sessions", title: "Sessions", isIn: isReplaying, render: () => <Sessions /> },
  { name: "try", title: "Try", isIn: isReplaying, render: () => <Try /> },
];

const root = document.getElementById("root");
if (root) render(<App api={server} views={views} />, root);
