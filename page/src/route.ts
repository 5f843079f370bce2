// What the address shows: `#/cassettes/chat.yaml/3` is the view "cassettes" with its place "chat.yaml/3".

import { useEffect, useState } from "preact/hooks";

export interface Route {
  view: string;
  place: string;
}

function read(): Route {
  const [, view = "", ...place] = location.hash.split("/");
  return { view, place: place.map(decodeURIComponent).join("/") };
}

export function link(view: string, place = ""): string {
  const parts = place.split("/").map(encodeURIComponent).join("/");
  return `#/${view}${parts && "/"}${parts}`;
}

export function go(view: string, place = ""): void {
  location.hash = link(view, place);
}

export function useRoute(): Route {
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const update = () => setRoute(read());
    addEventListener("hashchange", update);
    return () => removeEventListener("hashchange", update);
  }, []);
  return route;
}
