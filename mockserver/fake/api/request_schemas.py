"""Schemas of request bodies, as in the real server's `/openapi.json`. No I/O."""

from mockserver.fake.api.validation import Schema


def _choice(names: str) -> Schema:
    """Return a schema that accepts one of *names*, which are separated by spaces."""
    return Schema(types=("string",), enum=tuple(names.split()))


def _list(items: Schema) -> Schema:
    return Schema(types=("array",), others=items)


def _either(*schemas: Schema) -> Schema:
    return Schema(any_of=schemas)


def _optional(name: str) -> Schema:
    return Schema(types=(name, "null"))


def _object(*required: str, **properties: Schema) -> Schema:
    """Return a schema for an object with these *properties* and *required* keys; it may have others."""
    return Schema(types=("object",), required=required, properties=properties)


TEXT = Schema(types=("string",))
BOOLEAN = Schema(types=("boolean",))
NUMBER = Schema(types=("number",))
INTEGER = Schema(types=("integer",))
OBJECT = Schema(types=("object",))
NULL = Schema(types=("null",))
TEXTS = _list(TEXT)

CONFIG = _object(tags=TEXTS, recursion_limit=INTEGER, configurable=OBJECT)
CHECKPOINT = _object(thread_id=TEXT, checkpoint_ns=TEXT, checkpoint_id=TEXT, checkpoint_map=OBJECT)

_MODE = _choice("values messages messages-tuple tasks checkpoints updates events debug custom")
_SEND = _object("node", "input", node=TEXT)
_COMMAND = _object(
    update=Schema(types=("object", "array", "null")),
    goto=_either(_SEND, _list(_SEND), TEXT, TEXTS, NULL),
)
_RUN = {
    "assistant_id": TEXT,
    "command": _either(_COMMAND, NULL),
    "metadata": OBJECT,
    "config": CONFIG,
    "context": OBJECT,
    "webhook": Schema(types=("string",), minimum=1, maximum=65536),
    "stream_mode": _either(_list(_MODE), _MODE),
    "feedback_keys": TEXTS,
    "stream_subgraphs": BOOLEAN,
    "stream_resumable": BOOLEAN,
    "after_seconds": NUMBER,
    "checkpoint_during": BOOLEAN,
    "durability": _choice("sync async exit"),
}
_STATELESS = _RUN | {"on_completion": _choice("delete keep")}
_STOPS = _either(_choice("*"), TEXTS)
_ON_THREAD = _RUN | {
    "checkpoint": CHECKPOINT,
    "interrupt_before": _STOPS,
    "interrupt_after": _STOPS,
    "multitask_strategy": _choice("reject rollback interrupt enqueue"),
    "if_not_exists": _choice("create reject"),
}
_AWAITED = {"on_disconnect": _choice("cancel continue")}

RUN = _object("assistant_id", **_STATELESS)
"""`POST /runs`."""

RUN_AWAITED = _object("assistant_id", **_STATELESS, **_AWAITED)
"""`POST /runs/stream` and `POST /runs/wait`."""

RUNS = Schema(types=("array",), minimum=1, others=RUN)
"""`POST /runs/batch`."""

RUN_ON_THREAD = _object("assistant_id", **_ON_THREAD)
"""`POST /threads/{thread}/runs`."""

RUN_ON_THREAD_AWAITED = _object("assistant_id", **_ON_THREAD, **_AWAITED)
"""`POST /threads/{thread}/runs/stream` and `…/runs/wait`."""

_TRACER = {"project_name": TEXT, "example_id": TEXT}
START_COMMAND = _object(
    "assistant_id",
    assistant_id=Schema(types=("string",), minimum=1),
    langsmith_tracer=Schema(types=("object", "null"), properties=_TRACER, others=NULL),
)
ANSWER = _object("interrupt_id", interrupt_id=TEXT, namespace=TEXTS)
ANSWERS = Schema(types=("array",), minimum=1, others=ANSWER)
UNSUBSCRIBE = _object("subscription_id", subscription_id=TEXT)
"""The parameters of commands of event streams."""

CANCEL = _object(status=_choice("pending running all"))
"""`POST /runs/cancel`."""

_PAGE = {
    "metadata": OBJECT,
    "limit": Schema(types=("integer",), minimum=1, maximum=1000),
    "offset": Schema(types=("integer",), minimum=0),
}


def _search(sort_by: str, select: str, **properties: Schema) -> Schema:
    return _object(
        **_PAGE,
        **properties,
        sort_by=_choice(sort_by),
        sort_order=_choice("asc desc"),
        select=_list(_choice(select)),
    )


_IF_EXISTS = _choice("raise do_nothing")
_ASSISTANT = {
    "config": CONFIG,
    "context": OBJECT,
    "metadata": OBJECT,
    "graph_id": TEXT,
    "name": TEXT,
}
ASSISTANT = _object(
    "graph_id",
    **_ASSISTANT,
    assistant_id=TEXT,
    if_exists=_IF_EXISTS,
    description=_optional("string"),
)
ASSISTANT_PATCH = _object(**_ASSISTANT, description=TEXT)
ASSISTANT_VERSION = _object(version=INTEGER)
VERSIONS = _object(**_PAGE)
ASSISTANTS = _search(
    "assistant_id created_at updated_at name graph_id",
    "assistant_id graph_id name description config context created_at updated_at metadata version",
    graph_id=TEXT,
    name=TEXT,
)
ASSISTANTS_COUNT = _object(metadata=OBJECT, graph_id=TEXT, name=TEXT)

_TTL = _object(strategy=_choice("delete keep_latest"), ttl=NUMBER)
_SUPERSTEP = _object(
    "as_node",
    values=_either(_list(OBJECT), OBJECT, NULL),
    command=_either(_COMMAND, NULL),
    as_node=TEXT,
)
THREAD = _object(
    thread_id=TEXT,
    metadata=OBJECT,
    if_exists=_IF_EXISTS,
    ttl=_TTL,
    supersteps=_list(_object("updates", updates=_list(_SUPERSTEP))),
)
THREAD_PATCH = _object(metadata=OBJECT, ttl=_TTL)
_STATUS = _choice("idle busy interrupted error")
THREADS = _search(
    "thread_id status created_at updated_at state_updated_at",
    "thread_id created_at updated_at state_updated_at metadata config status values interrupts",
    ids=TEXTS,
    values=OBJECT,
    status=_STATUS,
    extract=Schema(types=("object",), maximum=10, others=TEXT),
)
THREADS_COUNT = _object(metadata=OBJECT, values=OBJECT, status=_STATUS)
PRUNE = _object("thread_ids", thread_ids=TEXTS, strategy=_choice("delete keep_latest"))

_OF_CRONS = {"assistant_id": TEXT, "thread_id": TEXT}
CRONS = _search(
    "cron_id assistant_id thread_id next_run_date end_time created_at updated_at",
    "cron_id assistant_id thread_id on_run_completed end_time schedule timezone created_at "
    "updated_at user_id payload next_run_date metadata enabled",
    **_OF_CRONS,
    enabled=BOOLEAN,
)
CRONS_COUNT = _object(**_OF_CRONS, metadata=OBJECT)
CRON = _object("assistant_id", "schedule", assistant_id=TEXT, schedule=TEXT)

UPDATE = _object(
    values=_either(Schema(types=("array",)), OBJECT, NULL), as_node=TEXT, checkpoint=CHECKPOINT
)
"""`POST /threads/{thread}/state`."""

AT_CHECKPOINT = _object("checkpoint", checkpoint=CHECKPOINT, subgraphs=BOOLEAN)
"""`POST /threads/{thread}/state/checkpoint`."""

HISTORY = _object(limit=_PAGE["limit"], before=CHECKPOINT, metadata=OBJECT, checkpoint=CHECKPOINT)
"""`POST /threads/{thread}/history`."""

ITEM = _object(
    *("namespace", "key", "value"),
    namespace=TEXTS,
    key=TEXT,
    value=OBJECT,
    index=_either(Schema(types=("boolean",), enum=(False,)), TEXTS, NULL),
    ttl=_optional("number"),
)
ITEM_KEY = _object("key", namespace=TEXTS, key=TEXT)
ITEMS = _object(
    namespace_prefix=_either(TEXTS, NULL),
    filter=_optional("object"),
    limit=INTEGER,
    offset=INTEGER,
    query=_optional("string"),
    refresh_ttl=_optional("boolean"),
)
NAMESPACES = _object(prefix=TEXTS, suffix=TEXTS, max_depth=INTEGER, limit=INTEGER, offset=INTEGER)
