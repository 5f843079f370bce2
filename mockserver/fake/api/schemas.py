"""Schemas of request bodies, as in the real server's `/openapi.json`. No I/O."""

from dataclasses import replace

from mockserver.fake.api.validation import Schema

TEXT = Schema(types=("string",))
TRUTH = Schema(types=("boolean",))
NUMBER = Schema(types=("number",))
INTEGER = Schema(types=("integer",))
OBJECT = Schema(types=("object",))
NULL = Schema(types=("null",))
TEXTS = Schema(types=("array",), items=TEXT)
NEVER = Schema(types=("boolean",), enum=(False,))
EXISTING = Schema(types=("string",), enum=("raise", "do_nothing"))

MODES = (
    *("values", "messages", "messages-tuple", "tasks", "checkpoints", "updates"),
    *("events", "debug", "custom"),
)
THREAD_STATUS = ("idle", "busy", "interrupted", "error")


def choice(*names: str) -> Schema:
    """Return a schema that accepts one of *names*."""
    return Schema(types=("string",), enum=names)


def record(*required: str, **properties: Schema) -> Schema:
    """Return a schema for an object with these *properties* and *required* keys."""
    return Schema(types=("object",), required=required, properties=properties)


CONFIG = record(tags=TEXTS, recursion_limit=INTEGER, configurable=OBJECT)

SEND = record("node", "input", node=TEXT)
COMMAND = record(
    update=Schema(types=("object", "array", "null")),
    goto=Schema(any_of=(SEND, Schema(types=("array",), items=SEND), TEXT, TEXTS, NULL)),
)


RUN = record(
    "assistant_id",
    assistant_id=Schema(any_of=(TEXT,)),
    command=Schema(any_of=(COMMAND, NULL)),
    metadata=OBJECT,
    config=CONFIG,
    context=OBJECT,
    webhook=Schema(types=("string",), min_length=1, max_length=65536),
    stream_mode=Schema(any_of=(Schema(types=("array",), items=choice(*MODES)), choice(*MODES))),
    feedback_keys=TEXTS,
    stream_subgraphs=TRUTH,
    stream_resumable=TRUTH,
    on_completion=choice("delete", "keep"),
    after_seconds=NUMBER,
    checkpoint_during=TRUTH,
    durability=choice("sync", "async", "exit"),
)
"""`POST /runs`."""

RUN_AWAITED = Schema(
    all_of=(
        RUN,
        Schema(properties={"on_disconnect": choice("cancel", "continue")}),
    )
)
"""`POST /runs/stream` and `POST /runs/wait`."""

RUNS = Schema(types=("array",), min_items=1, items=RUN)
"""`POST /runs/batch`."""

CHECKPOINT = record(thread_id=TEXT, checkpoint_ns=TEXT, checkpoint_id=TEXT, checkpoint_map=OBJECT)
_STOPS = Schema(any_of=(choice("*"), TEXTS))

RUN_ON_THREAD = replace(
    RUN,
    properties={
        **{name: part for name, part in RUN.properties.items() if name != "on_completion"},
        "checkpoint": CHECKPOINT,
        "interrupt_before": _STOPS,
        "interrupt_after": _STOPS,
        "multitask_strategy": choice("reject", "rollback", "interrupt", "enqueue"),
        "if_not_exists": choice("create", "reject"),
    },
)
"""`POST /threads/{thread}/runs`."""

RUN_ON_THREAD_AWAITED = Schema(
    all_of=(
        RUN_ON_THREAD,
        Schema(properties={"on_disconnect": choice("cancel", "continue")}),
    )
)
"""`POST /threads/{thread}/runs/stream` and `…/runs/wait`."""

CANCEL = record(status=choice("pending", "running", "all"))
"""`POST /runs/cancel`."""

ASSISTANT = record(
    "graph_id",
    assistant_id=TEXT,
    graph_id=TEXT,
    config=OBJECT,
    context=OBJECT,
    metadata=OBJECT,
    if_exists=EXISTING,
    name=TEXT,
    description=Schema(types=("string", "null")),
)
ASSISTANT_PATCH = record(
    graph_id=TEXT, config=OBJECT, context=OBJECT, metadata=OBJECT, name=TEXT, description=TEXT
)
ASSISTANT_VERSION = record(version=INTEGER)

_PAGE = {
    "metadata": OBJECT,
    "limit": Schema(types=("integer",), minimum=1, maximum=1000),
    "offset": Schema(types=("integer",), minimum=0),
}


def _search(sort_by: tuple[str, ...], select: tuple[str, ...], **properties: Schema) -> Schema:
    return record(
        **_PAGE,
        **properties,
        sort_by=choice(*sort_by),
        sort_order=choice("asc", "desc"),
        select=Schema(types=("array",), items=choice(*select)),
    )


VERSIONS = record(**_PAGE)
ASSISTANTS = _search(
    ("assistant_id", "created_at", "updated_at", "name", "graph_id"),
    (
        *("assistant_id", "graph_id", "name", "description", "config", "context"),
        *("created_at", "updated_at", "metadata", "version"),
    ),
    graph_id=TEXT,
    name=TEXT,
)
ASSISTANTS_COUNT = record(metadata=OBJECT, graph_id=TEXT, name=TEXT)

_TTL = record(strategy=choice("delete", "keep_latest"), ttl=NUMBER)
_UPDATE = record(
    "as_node",
    values=Schema(any_of=(Schema(types=("array",), items=OBJECT), OBJECT, NULL)),
    command=Schema(any_of=(COMMAND, NULL)),
    as_node=TEXT,
)
_SUPERSTEP = record("updates", updates=Schema(types=("array",), items=_UPDATE))
THREAD = record(
    thread_id=TEXT,
    metadata=OBJECT,
    if_exists=EXISTING,
    ttl=_TTL,
    supersteps=Schema(types=("array",), items=_SUPERSTEP),
)
THREAD_PATCH = record(metadata=OBJECT, ttl=_TTL)
THREADS = _search(
    ("thread_id", "status", "created_at", "updated_at", "state_updated_at"),
    (
        *("thread_id", "created_at", "updated_at", "state_updated_at", "metadata"),
        *("config", "status", "values", "interrupts"),
    ),
    ids=TEXTS,
    values=OBJECT,
    status=choice(*THREAD_STATUS),
    extract=Schema(types=("object",), max_properties=10, additional=TEXT),
)
THREADS_COUNT = record(metadata=OBJECT, values=OBJECT, status=choice(*THREAD_STATUS))
PRUNE = record("thread_ids", thread_ids=TEXTS, strategy=choice("delete", "keep_latest"))

UPDATE = record(
    values=Schema(any_of=(Schema(types=("array",)), OBJECT, NULL)),
    as_node=TEXT,
    checkpoint=CHECKPOINT,
)
"""`POST /threads/{thread}/state`."""

AT_CHECKPOINT = record("checkpoint", checkpoint=CHECKPOINT, subgraphs=TRUTH)
"""`POST /threads/{thread}/state/checkpoint`."""

HISTORY = record(
    limit=Schema(types=("integer",), minimum=1, maximum=1000),
    before=CHECKPOINT,
    metadata=OBJECT,
    checkpoint=CHECKPOINT,
)
"""`POST /threads/{thread}/history`."""

ITEM = record(
    "namespace",
    "key",
    "value",
    namespace=TEXTS,
    key=TEXT,
    value=OBJECT,
    index=Schema(any_of=(NEVER, TEXTS, NULL)),
    ttl=Schema(types=("null", "number")),
)
ITEM_KEY = record("key", namespace=TEXTS, key=TEXT)
ITEMS = record(
    namespace_prefix=Schema(types=("array", "null"), items=TEXT),
    filter=Schema(types=("null", "object")),
    limit=INTEGER,
    offset=INTEGER,
    query=Schema(types=("null", "string")),
    refresh_ttl=Schema(types=("boolean", "null")),
)
NAMESPACES = record(prefix=TEXTS, suffix=TEXTS, max_depth=INTEGER, limit=INTEGER, offset=INTEGER)
"""The store."""
