"""Hypothesis strategies that several tests share."""

from typing import Any

from hypothesis import strategies as st

TRICKY = [
    *(
        "",
        " ",
        "no",
        "on",
        "null",
        "~",
        "true",
        "1e3",
        "0x1f",
        "012",
        "0o17",
        "12:30",
        "1_000",
        ".5",
        "-",
        "- a",
        "a: b",
    ),
    *(
        "a #b",
        "#",
        "@x",
        "`x",
        "%x",
        "'",
        '"',
        "{",
        "[",
        "]",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "? x",
        "=",
        "<<",
        "---",
        "...",
    ),
    *(
        "a\n---\nb",
        "\n",
        "a\n",
        " a\nb",
        "a\n b\n\n c",
        "a\nb ",
        "a\tb",
        "\ta",
        "a\t",
        "2026-11-22",
        "y",
        "N",
        ".inf",
        "a:",
    ),
    *(
        "\u0085",
        "a\u2028b",
        "\u2029",
        "\ufeff",
        "\ufffe",
        "\uffff",
        "\x00",
        "\x7f",
        "\x9b",
        "😀",
        "你好",
        "a\r\nb",
        "\\",
        "\\n",
    ),
]

texts = st.one_of(
    st.sampled_from(TRICKY), st.text(), st.lists(st.sampled_from(TRICKY)).map("".join)
)

values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        texts,
    ),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(texts, inner)),
    max_leaves=12,
)

wires = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"\r\n",
                b"\n",
                b"\r",
                b"\r\n\r\n",
                b"data: ",
                b"event: values",
                b"id: 1",
                b": heartbeat",
                b"retry: 3",
                b"\xff",
                b"---\n",
            ]
        ),
        st.binary(max_size=6),
        texts.filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)).map(str.encode),
    ),
    max_size=30,
).map(b"".join)
