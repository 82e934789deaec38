"""What fuzzing draws from: bytes of any kind, and bytes that look like what is expected until they don't."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from tests.hostile import BYTES, TEXTS

HARD = (
    *TEXTS.values(),
    *("\0", "\ud7ff", "٣٤", "²", "-1", "0", "9" * 5000, "1e999", "NaN", "0x", "true", "null", "["),
)
texts = st.text(max_size=30) | st.sampled_from(HARD)
numbers = st.integers() | st.sampled_from([0, -1, 2**31, 2**63, 2**64, 10**30])


def bytes_like(pieces: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Any bytes, and any of these pieces with anything between them."""
    any_piece = (
        st.sampled_from(pieces) | st.binary(max_size=8) | st.sampled_from([BYTES, *map(str.encode, HARD[-8:])])
    )
    return st.binary(max_size=200) | st.lists(any_piece, max_size=30).map(b"".join)


def json_like(keys: Sequence[str]) -> st.SearchStrategy[object]:
    """Any JSON value whose objects mostly have these keys."""
    leaf = st.none() | st.booleans() | numbers | st.floats() | texts
    return st.recursive(
        leaf,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(keys) | st.text(max_size=5), inner, max_size=6)
        ),
        max_leaves=20,
    )
