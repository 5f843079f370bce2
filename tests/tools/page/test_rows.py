from mockserver.http.messages import Request
from mockserver.redaction.redactor import Redactor
from mockserver.tools.page.exchange_view import view_asked

BODY = b"""{"stream_mode": ["values", "updates"], "assistant_id": "agent", "input": {"messages": [
  {"role": "user", "content": "first"}, {"role": "user", "content": "the key is sk-proj-aBcDeFgHiJkLmNoPqRsTuVwXyZ012345"}]}}"""


def test_a_row_has_the_stream_modes_and_the_last_human_message_without_secrets() -> None:
    request = Request("POST", "/runs/stream", body=BODY)

    assert view_asked(request, Redactor(())) == {
        "asked": "values updates",
        "human": "the key is REDACTED",
    }


def test_a_row_of_a_request_without_both_has_neither() -> None:
    assert view_asked(Request("GET", "/info"), Redactor(())) == {}
