"""Keys of known services are found by their shape."""

import json

import pytest

from mockserver.redaction.redactor import Redactor
from mockserver.redaction.secret_patterns import PATTERNS, SecretPattern

each_pattern = pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.hint)


@each_pattern
def test_the_example_is_found_in_any_text(pattern: SecretPattern) -> None:
    (start, end), *_ = pattern.spans(pattern.example)
    secret = pattern.example[start:end]

    for text in (pattern.example, f"use {pattern.example}\n", json.dumps({"a": [pattern.example]})):
        redacted = Redactor().rewrite_text(text)
        assert "REDACTED" in redacted
        assert secret not in redacted
        assert json.dumps(secret)[1:-1] not in redacted


@each_pattern
def test_the_near_miss_is_unchanged(pattern: SecretPattern) -> None:
    assert (
        Redactor().rewrite_text(f"see {pattern.near_miss} here") == f"see {pattern.near_miss} here"
    )


@each_pattern
def test_the_hint_is_in_each_match(pattern: SecretPattern) -> None:
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
