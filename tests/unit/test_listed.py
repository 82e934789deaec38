"""Names in a sentence."""

from __future__ import annotations

import pytest

from backends.listed import listed


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([], ""),
        (["m0"], "m0"),
        (["m0", "m1"], "m0 and m1"),
        (["m0", "m1", "m2"], "m0, m1 and m2"),
        ([f"m{n}" for n in range(9)], "m0, m1 and 7 more"),
    ],
)
def test_as_many_as_can_be_read_are_told_by_name(names: list[str], told: str) -> None:
    assert listed(names) == told
