import pytest

from mockserver.fake.server_json import JsonText, to_server_json
from mockserver.formats.json_text import Json


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param({"a": [1e-7, "1e-07"]}, '{"a":[1e-7,"1e-07"]}', id="small numbers, not texts"),
        pytest.param(1e-7, "1e-7", id="a number alone"),
        pytest.param([1e-5, -1.5e-5, 0.001], "[0.00001,-0.000015,0.001]", id="five places"),
        pytest.param([1e22, -0.0, 2**60], "[1e+22,-0.0,1152921504606846976]", id="others stay"),
        pytest.param('"e-05', '"\\"e-05"', id="a quote within a text"),
        pytest.param("a\x00b", '"a\\ufffdb"', id="U+0000"),
        pytest.param(JsonText('[1e-7, "é"]'), '[1e-7, "é"]', id="text already"),
    ],
)
def test_json_is_written_as_the_server_does(value: Json, text: str) -> None:
    assert to_server_json(value) == text
