import type { Api } from "../api";

export function Cassettes({ place }: { api: Api; place: string }) {
  return <h1>Cassettes {place}</h1>;
}
