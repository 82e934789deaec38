"""Names that are cut: those that differ read differently."""

from __future__ import annotations

from widgets.cut_apart import cut_apart
from widgets.safe import width_of


def test_a_name_that_no_other_one_resembles_is_cut_at_its_end() -> None:
    names = ["web-1", "payment-reconciliation:worker_01"]
    assert cut_apart(names, 14) == {names[0]: "web-1         ", names[1]: "payment-recon…"}


def test_names_that_differ_at_their_ends_show_those() -> None:
    names = [f"payment-reconciliation:worker_{n:02}" for n in range(9)]
    assert cut_apart(names, 22)[names[3]] == "payment…tion:worker_03"


def test_names_that_differ_in_the_middle_show_that() -> None:
    names = [f"kubernetes-endpoints ip-10-0-3-{n}.eu-central-1.compute.internal:9100" for n in range(9)]
    shown = cut_apart(names, 28)
    assert shown[names[4]] == "kubernete…p-10-0-3-4.eu-cen…"
    assert len(set(shown.values())) == 9


def test_wide_names_are_told_apart_too() -> None:
    names = [f"日本語のとても長い名前のサービス{end}" for end in ("東京", "大阪")]
    assert cut_apart(names, 20) == {names[0]: "日本語…サービス東京 ", names[1]: "日本語…サービス大阪 "}


def test_every_name_has_its_cells_whatever_it_is_made_of() -> None:
    names = [f"{stem * 30}{n}" for stem in ("語", "é", "\x1b[2J", "a") for n in range(3)]
    for width in range(1, 40):
        assert {width_of(text) for text in cut_apart(names, width).values()} == {width}
