"""The stream mode `checkpoints`, of runs whose thread is kept: what the server saves after each step. No I/O."""

from mockserver.fake.ids import Ids
from mockserver.fake.request import RunRequest
from mockserver.fake.run.modes import Modes
from mockserver.fake.run.place import RESEARCHER, START, Place
from mockserver.fake.run.state import State
from mockserver.jsontext import Json

_DURING_INPUT = -1
"""The step of the checkpoint that is saved before the input is taken in."""


class Checkpoints:
    """Tells *modes* of the checkpoints of the *request*'s run; of one that is not kept there are none."""

    def __init__(self, request: RunRequest, ids: Ids, modes: Modes) -> None:
        self._request = request
        self._ids = ids
        self._modes = modes
        self._kept = request.on_completion == "keep"
        self._last: dict[tuple[str, ...], str] = {}
        self._count = 0

    def before(self, namespace: tuple[str, ...], value: Json) -> None:
        """A graph is about to take its input in, *value*: without any it saves nothing."""
        if value is None:
            return
        other = isinstance(value, dict) and value and "messages" not in value
        empty: State = {} if other else {"messages": []}
        task = self._ids.uuid5("task", *namespace, START)
        self._save(namespace, _DURING_INPUT, empty, [{"id": task, "name": START}])

    def after(
        self, namespace: tuple[str, ...], step: int, state: State, task: Place | None
    ) -> None:
        """A graph has done *step* (0: it has taken its input in); *task* comes next, None if it has ended."""
        self._save(namespace, step, state, [{"id": task.task, "name": task.node}] if task else [])

    def _save(
        self, namespace: tuple[str, ...], step: int, state: State, tasks: list[dict[str, str]]
    ) -> None:
        if not self._kept:
            return
        before = self._last.get(namespace)
        identity = self._ids.uuid6(self._count, "checkpoint", *namespace, step)
        self._count += 1
        self._last[namespace] = identity
        outer = {
            "|".join(namespace[:depth]): self._last[namespace[:depth]]
            for depth in range(len(namespace))
        }
        payload = {
            "config": self._config(namespace, identity, outer),
            "parent_config": before and self._config(namespace, before, outer),
            "values": state,
            "metadata": {
                "source": "input" if step == _DURING_INPUT else "loop",
                "step": step,
                "parents": outer,
            },
            "next": [task["name"] for task in tasks],
        }
        inner = [self._inner(task) for task in tasks]
        self._modes.checkpoint(
            namespace,
            step,
            payload
            | {
                "tasks": [
                    {**task, "interrupts": [], "state": one and {"configurable": one}}
                    for task, one in zip(tasks, inner, strict=True)
                ]
            },
            payload
            | {
                "tasks": [
                    {**task, "interrupts": [], **({"checkpoint": one} if one else {"state": None})}
                    for task, one in zip(tasks, inner, strict=True)
                ],
                "checkpoint": self._reference(namespace, identity, outer),
                "parent_checkpoint": before and self._reference(namespace, before, outer),
            },
        )

    def _config(self, namespace: tuple[str, ...], identity: str, outer: dict[str, str]) -> Json:
        return {
            "configurable": {
                "checkpoint_ns": "|".join(namespace),
                **self._request.config.get("configurable", {}),
                **_map(namespace, identity, outer),
                "checkpoint_id": identity,
            }
        }

    def _reference(self, namespace: tuple[str, ...], identity: str, outer: dict[str, str]) -> Json:
        return {
            "checkpoint_id": identity,
            "thread_id": self._request.thread_id,
            "checkpoint_ns": "|".join(namespace),
            **_map(namespace, identity, outer),
        }

    def _inner(self, task: dict[str, str]) -> Json:
        """Return where the checkpoints of the graph within the graph are that *task* plays; None where it plays none."""
        if task["name"] != RESEARCHER:
            return None
        return {
            "thread_id": self._request.thread_id,
            "checkpoint_ns": f"{task['name']}:{task['id']}",
        }


def _map(namespace: tuple[str, ...], identity: str, outer: dict[str, str]) -> dict[str, Json]:
    return {"checkpoint_map": {**outer, "|".join(namespace): identity}} if namespace else {}
