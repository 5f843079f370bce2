"""Keys of known services are found by their shape."""

import json

from mockserver.redaction.redactor import Redactor
from mockserver.redaction.secret_patterns import PATTERNS


def test_the_example_is_found_in_any_text() -> None:
    for pattern in PATTERNS:
        example = pattern.example
        (start, end), *_ = pattern.spans(example)
        secret = example[start:end]

        for text in (example, f"use {example}\n", json.dumps({"a": [example]})):
            redacted = Redactor().rewrite_text(text)
            assert "REDACTED" in redacted, pattern.hint
            assert secret not in redacted, pattern.hint
            assert json.dumps(secret)[1:-1] not in redacted, pattern.hint


def test_near_misses_are_unchanged() -> None:
    texts = [f"see {pattern.near_miss} here" for pattern in PATTERNS]

    assert [Redactor().rewrite_text(text) for text in texts] == texts


def test_the_hint_is_in_each_match() -> None:
    for pattern in PATTERNS:
        assert pattern.hint == pattern.hint.lower()
        assert pattern.hint in pattern.example.lower()


def test_a_private_key_may_be_cut_off() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA1234abcd\nMIIEowIB"

    assert Redactor().rewrite_text(f"key: {key}") == "key: REDACTED"
    assert Redactor().rewrite_text(json.dumps({"pem": key})) == '{"pem": "REDACTED"}'


def test_a_private_key_needs_its_material() -> None:
    text = '{"a":"-----BEGIN PRIVATE KEY-----","b":{"c":"-----END PRIVATE KEY-----"}}'

    assert Redactor().rewrite_text(text) == text


def test_two_private_keys_leave_the_text_between_them() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----"

    assert Redactor().rewrite_text(f"{key} and {key}!") == "REDACTED and REDACTED!"
