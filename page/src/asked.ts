import { useEffect, useState } from "preact/hooks";

export interface Asked<Answer> {
  answer?: Answer;
  error?: string;
}

/** Ask again whenever one of *causes* changes; an answer that comes too late is dropped. */
export function useAsked<Answer>(ask: () => Promise<Answer>, causes: unknown[]): Asked<Answer> {
  const [asked, setAsked] = useState<Asked<Answer>>({});
  useEffect(() => {
    let isCurrent = true;
    ask().then(
      (answer) => isCurrent && setAsked({ answer }),
      (error: Error) => isCurrent && setAsked({ error: error.message }),
    );
    return () => {
      isCurrent = false;
    };
  }, causes);
  return asked;
}
