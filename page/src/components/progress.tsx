/** How far a thread is in its conversation, such as "1 of 3 turns". */
export function Progress({ progress }: { progress: string }) {
  const [, done, all] = /^(\d+) of (\d+)/.exec(progress) ?? [];
  return (
    <>
      {all !== undefined && <progress value={Number(done)} max={Number(all)} aria-label="turns" />}{" "}
      {progress}
    </>
  );
}
