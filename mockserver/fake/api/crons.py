"""Endpoints of crons. The fake graph has none: lists are empty, and none can be created. No I/O."""

from mockserver.fake.api import request_schemas
from mockserver.fake.api.api_call import ApiCall, require_uuid
from mockserver.fake.api.pagination import page_response
from mockserver.fake.api.validation import HTTPError
from mockserver.fake.response import Response, json_response
from mockserver.formats.json_text import Json

NO_CRONS = (
    "the fake graph runs no crons: start the run with POST /runs or POST /threads/{thread_id}/runs"
)


def search(call: ApiCall) -> Response:
    """`POST /runs/crons/search`: list crons, of which there are none."""
    return page_response([], _check_ids(call.body(request_schemas.CRONS)))


def count(call: ApiCall) -> Response:
    """`POST /runs/crons/count`: 0."""
    _check_ids(call.body(request_schemas.CRONS_COUNT))
    return json_response(0)


def create(call: ApiCall) -> Response:
    """`POST /runs/crons` and `POST /threads/{thread}/runs/crons`: refused. The real server accepts them."""
    call.body(request_schemas.CRON)
    if call.path:
        call.get_thread()
    raise HTTPError(422, NO_CRONS)


def find(call: ApiCall) -> Response:
    """`GET` and `DELETE /runs/crons/{cron}`: there is none."""
    call.path_uuid("cron")
    raise HTTPError(404, "Not Found")


def patch(call: ApiCall) -> Response:
    """`PATCH /runs/crons/{cron}`: there is none."""
    if not call.body(request_schemas.OBJECT):
        raise HTTPError(400, "Request body cannot be empty")
    return find(call)


def _check_ids(body: dict[str, Json]) -> dict[str, Json]:
    for key, what in (("assistant_id", "assistant"), ("thread_id", "thread")):
        if key in body:
            require_uuid(body[key], what)
    return body
