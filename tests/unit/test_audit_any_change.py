"""Any one edit, removal, insertion, swap or truncation of a file of an audit is found, and found ever after."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from backends.changes import audit as module
from backends.changes.audit import Audit
from backends.changes.audit_verify import verify
from tests.unit.test_audit_tampering import HEAD, Files, forged, put, read, write


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """An audit of some files, with what a crash has left in it."""
    folder = tmp_path_factory.mktemp("whole") / "audit"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FILE_MOST", 1500)
        write(folder, *"abcdef")
        with max(folder.glob("audit-*")).open("ab") as file:
            file.write(b'{"n": 7, "time": "20')
        write(folder, *"ghijkl")
    assert verify(folder) == (12, [])
    assert len(Audit(folder).files()) > 3
    return read(folder)


def _edited(files: Files, draw: st.DrawFn, other: st.SearchStrategy[bytes]) -> Files:
    name = draw(st.sampled_from(sorted(files)))
    data = files[name]
    start = draw(st.integers(0, len(data)))
    end = draw(st.integers(start, min(len(data), start + draw(st.sampled_from((0, 1, 5, 1000))))))
    return {**files, name: data[:start] + draw(other) + data[end:]}


def _truncated(files: Files, draw: st.DrawFn) -> Files:
    name = draw(st.sampled_from(sorted(files)))
    return {**files, name: files[name][: draw(st.integers(0, len(files[name]) - 1))]}


def _of_lines(files: Files, draw: st.DrawFn) -> Files:
    places = [(name, n) for name in sorted(files) if name != HEAD for n in range(len(files[name].splitlines()))]
    lines = {name: data.splitlines(keepends=True) for name, data in files.items()}
    (name, n), (other, m) = draw(st.sampled_from(places)), draw(st.sampled_from(places))
    match draw(st.sampled_from(("remove", "double", "move", "swap", "forge"))):
        case "remove":
            del lines[name][n]
        case "double":
            lines[other].insert(m, lines[name][n])
        case "move":
            lines[other].insert(m, lines[name].pop(n))
        case "swap":
            lines[name][n], lines[other][m] = lines[other][m], lines[name][n]
        case "forge":
            with contextlib.suppress(ValueError):
                lines[name][n] = forged(lines[name][n]) + b"\n"
    return {name: b"".join(parts) for name, parts in lines.items()}


def _of_files(files: Files, draw: st.DrawFn) -> Files:
    name, other = draw(st.sampled_from(sorted(files))), draw(st.sampled_from(sorted(files)))
    match draw(st.sampled_from(("remove", "swap", "rename"))):
        case "remove":
            return {key: data for key, data in files.items() if key != name}
        case "swap":
            return {**files, name: files[other], other: files[name]}
    number = draw(st.integers(1, 9))
    return {f"audit-{number:06}.jsonl" if key == name else key: data for key, data in files.items()}


@st.composite
def tampered(draw: st.DrawFn, files: Files) -> Files:
    """The files after one edit, removal, insertion, swap or truncation."""
    match draw(st.sampled_from(("bytes", "insert", "truncate", "lines", "files"))):
        case "bytes":
            other = st.one_of(st.binary(max_size=4), st.sampled_from((b"", b"\n", b" ", b"0", b'"')))
            return _edited(files, draw, other)
        case "insert":
            return _edited(files, draw, st.binary(min_size=1, max_size=20))
        case "truncate":
            return _truncated(files, draw)
        case "lines":
            return _of_lines(files, draw)
    return _of_files(files, draw)


def half_a_line_more(after: Files, before: Files) -> bool:
    """What a crash could have left: it is told once, and the next line names it."""
    newest = max(name for name in before if name != HEAD)
    more = after.get(newest, b"").removeprefix(before[newest])
    return after == {**before, newest: before[newest] + more} and b"\n" not in more


def same_audit(after: Files, before: Files) -> bool:
    """Whether it says the same, line by line: only that it is cut into files elsewhere is not found."""

    def whole(files: Files) -> tuple[bytes, bytes | None]:
        return b"".join(files[name] for name in sorted(files) if name != HEAD), files.get(HEAD)

    return whole(after) == whole(before)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_single_change_is_found_and_found_ever_after(
    data: st.DataObject, written: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "audit"
    monkeypatch.setattr(module, "FILE_MOST", 1500)
    after = data.draw(tampered(written))
    assume(not same_audit(after, written))
    folder.mkdir(mode=0o700, exist_ok=True)
    put(folder, after)
    assert verify(folder)[1]
    write(folder, "next", "and next")
    assert bool(verify(folder)[1]) is not half_a_line_more(after, written)
