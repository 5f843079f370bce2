import type { Api } from "../api";

export function Live({ place }: { api: Api; place: string }) {
  return <h1>Live {place}</h1>;
}
