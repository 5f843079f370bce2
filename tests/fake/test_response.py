from mockserver.fake.response import Response, error_response, json_response


def test_json_goes_out_compact_and_in_real_unicode() -> None:
    assert json_response({"a": [1, "é"]}, 201, (("location", "/x"),)) == Response(
        201, (("location", "/x"), ("content-type", "application/json")), '{"a":[1,"é"]}'.encode()
    )


def test_half_a_character_is_replaced() -> None:
    assert json_response("\ud800").body == b'"?"'


def test_a_refusal_says_why() -> None:
    assert error_response(405, "Method Not Allowed", (("allow", "POST"),)) == Response(
        405,
        (("allow", "POST"), ("content-type", "application/json")),
        b'{"detail":"Method Not Allowed"}',
        "405 Method Not Allowed",
    )
