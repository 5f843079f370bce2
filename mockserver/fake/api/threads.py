"""The endpoints of threads as a whole. No I/O."""

from collections.abc import Mapping
from dataclasses import replace

from mockserver.fake.api import schemas
from mockserver.fake.api.create_run import public
from mockserver.fake.api.database import Record, World
from mockserver.fake.api.endpoint import Call, identity
from mockserver.fake.api.search import check_paths, holds, ordered, page
from mockserver.fake.api.state_writes import NO_GRAPH, write
from mockserver.fake.api.validation import RefusalError, uuid
from mockserver.fake.errors import RejectedError
from mockserver.fake.graph.checkpoint_store import Checkpoint
from mockserver.fake.graph.metadata import AGENT
from mockserver.fake.graph.runner import Runs
from mockserver.fake.ids import Ids
from mockserver.fake.replies import Answer, json_answer, refusal
from mockserver.fake.threads.thread import Action, Run, Thread
from mockserver.formats.json_text import Json

NOT_A_UUID = "badly formed hexadecimal UUID string"


class Threads:
    """The threads of a world, on which *runs* plays."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def create(self, call: Call) -> Answer:
        """Make a thread, or give the one that has its id if the body says so."""
        body = call.body(schemas.THREAD)
        name = call.ids.uuid7("thread")
        if body.get("thread_id"):
            name = identity(body["thread_id"], "thread")
        thread = self._settled(call, name)
        if thread is not None:
            if body.get("if_exists") != "do_nothing":
                raise RefusalError(409, f"Thread with ID {name} already exists")
            return json_answer(thread.told)
        moment = call.world.tick()
        thread = Thread(new(name, call.ids.at(moment), body.get("metadata", {})), moment)
        call.world.put(thread)
        if body.get("supersteps"):
            return self._supersteps(call, thread, body["supersteps"])
        return json_answer(thread.told)

    def get(self, call: Call) -> Answer:
        """Tell of one thread."""
        return json_answer(self.known(call).told)

    def patch(self, call: Call) -> Answer:
        """Add to the metadata of a thread."""
        name = call.uuid("thread")
        body = call.body(schemas.THREAD_PATCH)
        thread = self._settled(call, name)
        if thread is None:
            raise RefusalError(404, "Not Found")
        ids = call.ids.at(thread.moment(call.world.tick()))
        thread.told = {
            **thread.told,
            "updated_at": ids.time(),
            "metadata": {**thread.told["metadata"], **public(body.get("metadata", {}))},
        }
        call.world.put(thread)
        if call.request.header("prefer") == "return=minimal":
            return Answer(204, (), b"")
        return json_answer(thread.told)

    def delete(self, call: Call) -> Answer:
        """Forget a thread, and end its runs."""
        thread = self.known(call, spelled=False)
        for run in thread.active:
            thread.cancel(run, Action.INTERRUPT, call.now, None)
        del call.world.threads[thread.identity]
        return Answer(204, (), b"")

    def copy(self, call: Call) -> Answer:
        """Make a thread with the state and history of another one."""
        name = uuid(call.path[0])
        if name is None:
            raise RefusalError(400, NOT_A_UUID)
        thread = self._settled(call, name)
        if thread is None:
            raise RefusalError(409, "Conflict")
        moment = thread.moment(call.world.tick())
        ids = call.ids.at(moment)
        told = new(ids.uuid4("thread"), ids, {}) | {"metadata": thread.told["metadata"]}
        del told["values"]
        copied = Thread(told, moment)
        copied.history = thread.history.of(copied.identity)
        call.world.put(copied)
        return json_answer(copied.told)

    def search(self, call: Call) -> Answer:
        """List threads."""
        body = call.body(schemas.THREADS)
        check_paths(body)
        return page(ordered(self._found(call, body), body, by="updated_at"), body)

    def count(self, call: Call) -> Answer:
        """Tell how many threads there are."""
        return json_answer(len(self._found(call, call.body(schemas.THREADS_COUNT) | {"ids": []})))

    def prune(self, call: Call) -> Answer:
        """Forget several threads."""
        body = call.body(schemas.PRUNE)
        if body.get("strategy") == "keep_latest":
            raise RefusalError(422, "keep_latest strategy is not supported in in-memory runtime")
        names = [identity(name, "thread") for name in body["thread_ids"]]
        gone = [call.world.threads.pop(name) for name in names if name in call.world.threads]
        return json_answer({"pruned_count": len(gone)})

    def known(self, call: Call, *, spelled: bool = True) -> Thread:
        """Return the thread that the path names, as it is now; RefusalError where there is none, with its id as *spelled* there or not."""
        name = call.uuid("thread")
        thread = self._settled(call, name)
        if thread is None:
            shown = call.path[0] if spelled else name
            raise RefusalError(404, f"Thread with ID {shown} not found")
        return thread

    def run(self, call: Call) -> tuple[Thread | None, Run | None]:
        """Return the thread and the run that the path names, as they are now."""
        name, run = call.uuid("thread"), call.uuid("run", 1)
        thread = call.world.threads.get(name)
        if thread is None:
            return None, None
        self.settle(thread, call.now)
        return thread, thread.runs.get(run)

    def settle(self, thread: Thread, now: float) -> Thread:
        """Return *thread* as it is *now*."""
        thread.settle(self._runs.on_thread, now)
        return thread

    def _settled(self, call: Call, name: str) -> Thread | None:
        thread = call.world.threads.get(name)
        return thread and self.settle(thread, call.now)

    def _supersteps(self, call: Call, thread: Thread, steps: list[Json]) -> Answer:
        name = thread.identity
        if "graph_id" not in thread.told["metadata"]:
            why = NO_GRAPH.format(id=name)
            words = f"Thread {name} was created, but there were problems updating the state: {why}"
            return refusal(201, words)
        for number, step in enumerate(steps):
            if not step["updates"]:
                raise RefusalError(400, "No updates provided")
            for place, update in enumerate(step["updates"]):
                seed = f"{call.ids.seed}/{number}/{place}"
                one = replace(call, ids=replace(call.ids, seed=seed))
                try:
                    write(one, thread, update, self._runs, joined=place > 0)
                except RejectedError as error:
                    raise RefusalError(400, error.message) from None
        return json_answer(thread.told)

    def _found(self, call: Call, asked: Mapping[str, Json]) -> list[Record]:
        ids = {name: uuid(name) for name in asked.get("ids", [])}
        for name, found in ids.items():
            if found is None:
                raise RefusalError(400, f"Invalid thread ID {name}")
        wanted = {name: asked[name] for name in ("metadata", "values", "status") if asked.get(name)}
        told = [self.settle(thread, call.now).told for thread in call.world.threads.values()]
        return [
            one
            for one in told
            if (not ids or one["thread_id"] in ids.values()) and holds(one, wanted)
        ]


def new(name: str, ids: Ids, metadata: dict[str, Json]) -> dict[str, Json]:
    """Return what the server tells of a new thread."""
    now = ids.time()
    return {
        "thread_id": name,
        "created_at": now,
        "updated_at": now,
        "state_updated_at": now,
        "metadata": public(metadata),
        "status": "idle",
        "config": {},
        "values": None,
    }


def adopt(world: World, name: str, state: Json) -> None:
    """Let *world* have the thread *name*, which was made elsewhere, in the *state* in which it was left, None if that is unknown."""
    moment = world.tick()
    ids = Ids(name, 0, moment)
    thread = Thread(new(name, ids, {}), moment)
    if state is not None:
        made = Checkpoint(
            identity=ids.uuid6(0, 0, "adopted"),
            parent=None,
            namespace=(),
            outer={},
            values=state,
            source="update",
            step=0,
            node=AGENT,
            metadata={"thread_id": name, "source": "update", "step": 0, "parents": {}},
            created_at=ids.time(),
        )
        thread.history.put(made)
        thread.rest(ids.time())
    world.put(thread)
