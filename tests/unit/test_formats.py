"""Each system's lines, as it documents them, and what they must say."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from backends.api.log_errors import is_error, possible_errors
from backends.api.logs import Level, LogRecord
from backends.logs.formats import FORMAT_WITHIN, FORMATS, Formats

AT = datetime(2026, 11, 24, 2, 13, 20, tzinfo=UTC)
MS = AT.replace(microsecond=123000)
US = AT.replace(microsecond=123456)
D, I, W, E, F, T = Level.DEBUG, Level.INFO, Level.WARN, Level.ERROR, Level.FATAL, Level.TRACE  # noqa: E741


@pytest.fixture(autouse=True)
def in_utc() -> None:
    """The test's host writes local time in UTC (conftest sets TZ)."""
    from backends.logs.times import local_zone

    time.tzset()
    local_zone.cache_clear()


def parse(line: str | bytes) -> LogRecord:
    raw = line if isinstance(line, bytes) else line.encode()
    record = Formats("files/app").parse(raw, "app.log")
    assert record.raw == raw
    assert record.source == "files/app"
    return record


PROXIED = (
    "10.0.1.2:1 [24/Nov/2026:02:13:20.655] in web/<NOSRV> 0/-1/-1/-1/0 503 217 - - SC-- 1/1/0/0/0 0/0 "
    '"GET / HTTP/1.1"'
)
ACCESS = '127.0.0.1 - - [24/Nov/2026:02:13:20 +0000] "GET /fail HTTP/1.1" 503 197 "-" "curl/8"'
REFUSED = '2026/11/24 02:13:20 [error] 7#7: *1 no route, client: ::1, server: a, request: "GET / HTTP/1.1"'

TABLE: list[tuple[str, str, Level | None, datetime | None, str]] = [
    # JSON lines: etcd and zap, pino and bunyan, logrus, structlog, Docker, GELF, journalctl -o json, ECS
    ('{"level":"info","ts":"2026-11-24T02:13:20.123Z","caller":"a.go:1","msg":"up"}', "json", I, MS, "up"),
    ('{"level":30,"time":1795486400123,"pid":1,"msg":"up"}', "json", I, MS, "up"),
    ('{"name":"a","level":60,"time":"2026-11-24T02:13:20.123Z","msg":"dead","v":0}', "json", F, MS, "dead"),
    ('{"level":10,"time":1795486400,"msg":"x"}', "json", T, AT, "x"),
    ('{"level":"warning","time":"2026-11-24T02:13:20Z","msg":"x"}', "json", W, AT, "x"),
    ('{"event":"x","level":"debug","timestamp":"2026-11-24T02:13:20.123456Z"}', "json", D, US, "x"),
    ('{"log":"x\\n","stream":"stderr","time":"2026-11-24T02:13:20.123456789Z"}', "json", None, US, "x"),
    ('{"version":"1.1","short_message":"x","timestamp":1795486400.0,"level":3}', "json", E, AT, "x"),
    ('{"MESSAGE":"x","PRIORITY":"4","__REALTIME_TIMESTAMP":"1795486400123456"}', "json", W, US, "x"),
    ('{"@timestamp":"2026-11-24T02:13:20.123Z","log":{"level":"error"},"message":"x"}', "json", E, MS, "x"),
    ('{"asctime":"2026-11-24 02:13:20,123","levelname":"CRITICAL","message":"x"}', "json", F, MS, "x"),
    ('{"levelno":10,"message":"x"}', "json", D, None, "x"),
    ('{"ts":1795486400123456789,"severity":"NOTICE","msg":"x"}', "json", I, US, "x"),
    ('{"level":"error","error":"no route"}', "json", E, None, "no route"),
    # logfmt: logrus' text form, Go's slog
    ('time="2026-11-24T02:13:20Z" level=warning msg="a \\"b\\"" n=1', "logfmt", W, AT, 'a "b"'),
    ("time=2026-11-24T02:13:20.123Z level=ERROR msg=boom err=eof", "logfmt", E, MS, "boom"),
    ("ts=2026-11-24T02:13:20.123456Z lvl=eror msg=x", "logfmt", E, US, "x"),
    # web servers
    (
        '127.0.0.1 - - [24/Nov/2026:02:13:20 +0000] "GET /fail HTTP/1.1" 503 197 "-" "\\x1B[31m\\x22"',
        *("access", E, AT, "503 GET /fail"),
    ),
    ('::1 - bob [24/Nov/2026:03:13:20 +0100] "GET / HTTP/1.1" 200 -', "access", I, AT, "200 GET /"),
    ('1.2.3.4 - - [24/Nov/2026:02:13:20 +0000] "\\x16\\x03" 400 0', "access", W, AT, "400 \\x16\\x03"),
    ('a.org:80 ::1 - - [24/Nov/2026:02:13:20 +0000] "GET / HTTP/1.1" 404 1', "access", W, AT, "404 GET /"),
    (
        '2026/11/24 02:13:20 [error] 9666#9666: *5 open() "/x" failed, client: ::1, server: , host: "h"',
        *("nginx", E, AT, 'open() "/x" failed'),
    ),
    ("2026/11/24 02:13:20 [emerg] 1#1: unknown directive", "nginx", F, AT, "unknown directive"),
    (
        "10.0.1.2:1 [24/Nov/2026:02:13:20.123] in~ static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "
        '{1wt.eu} {} "GET /index.html?a=b HTTP/1.1"',
        *("haproxy", I, MS, "200 GET /index.html?a=b"),
    ),
    (
        "::1:33317 [24/Nov/2026:02:13:20.123] in web/<NOSRV> 0/-1/-1/-1/0 503 217 - - SC-- 1/1/0/0/0 0/0 "
        '"<BADREQ>" 0/0/0/0/0 a.org/TLSv1.3/X',
        *("haproxy", E, MS, "503 <BADREQ>"),
    ),
    (
        '1.2.3.4:1 [24/Nov/2026:02:13:20] in web/a -1/-1/-1/-1/+9 -1 +0 - - CR-- 1/1/0/0/0 0/0 "GET /cut off',
        *("haproxy", W, AT, "-1 GET /cut"),
    ),
    # what web servers and programs write to syslog
    (f"Nov 24 02:13:20 lb haproxy[1]: {PROXIED}", "syslog", E, AT, PROXIED),
    (f"<134>Nov 24 02:13:20 lb haproxy[1]: {PROXIED}", "syslog", E, AT, PROXIED),
    (f"<190>Nov 24 02:13:20 h nginx: {ACCESS}", "syslog", E, AT, ACCESS),
    (f"2026-11-24T02:13:20.123456+00:00 h nginx[1]: {REFUSED}", "syslog", E, US, REFUSED),
    ('<14>1 2026-11-24T02:13:20Z h a - - - {"level":"error"}', "syslog", E, AT, '{"level":"error"}'),
    (f"<12>Nov 24 02:13:20 lb haproxy[1]: {PROXIED}", "syslog", W, AT, PROXIED),
    # syslog
    ('<165>1 2026-11-24T02:13:20.123Z h app 77 ID [a b="c"] text', "syslog", I, MS, "text"),
    ("<34>1 2026-11-24T02:13:20Z h su - - - \ufefftext", "syslog", F, AT, "text"),
    ("<0>1 - - - - - -", "syslog", F, None, ""),
    ("2026-11-24T02:13:20.123456+00:00 vm app[77]: over unix", "syslog", None, US, "over unix"),
    ("2026-11-24T02:13:20.123456+00:00 vm kernel: ERROR: bad", "syslog", E, US, "ERROR: bad"),
    ("2026-11-24T02:13:20+0000 vm sshd[1]: hi", "syslog", None, AT, "hi"),
    # Python
    ("2026-11-24 02:13:20,123 - my.name - WARNING - msg", "stamped", W, MS, "msg"),
    ("2026-11-24 02:13:20,123 ERROR name: msg", "stamped", E, MS, "name: msg"),
    ("CRITICAL:root:boom: it", "python", F, None, "boom: it"),
    # Go
    ("2026/11/24 02:13:20 plain", "stamped", None, AT, "plain"),
    ("2026/11/24 02:13:20.123456 main.go:23: plain", "stamped", None, US, "main.go:23: plain"),
    ("I20261124 02:13:20.123456    77 a.cc:12] up", "go", I, US, "up"),
    ('2026-11-24T02:13:20.123Z\tERROR\tmain.go:7\tboom\t{"n": 1}', "stamped", E, MS, 'boom\t{"n": 1}'),
    ("2026-11-24T02:13:20.123Z\tdebug\tmain.go:7\tx", "stamped", D, MS, "x"),
    # supervisord, etcd before 3.4
    ("2026-11-24 02:13:20,123 INFO spawned: 'web' with pid 7", "stamped", I, MS, "spawned: 'web' with pid 7"),
    ("2026-11-24 02:13:20,123 CRIT uncaptured", "stamped", F, MS, "uncaptured"),
    ("2026-11-24 02:13:20,123 BLAT x", "stamped", T, MS, "x"),
    ("2026-11-24 02:13:20.123456 W | etcdserver: slow", "stamped", W, US, "slow"),
    # Java, Rust, Kubernetes, anything with a stamp
    ("2026-11-24 02:13:20,123 [main] WARN  com.foo.Bar - msg", "stamped", W, MS, "com.foo.Bar - msg"),
    ("2026-11-24T02:13:20.123456Z  INFO crate::mod: hi", "stamped", I, US, "crate::mod: hi"),
    ('2026-11-24T02:13:20.123456789Z stdout F {"level":"error","msg":"x"}', "stamped", E, US, "x"),
    ("2026-11-24T02:13:20Z [WARN] careful", "stamped", W, AT, "careful"),
    ("2026-11-24T02:13:20Z <notice> x", "stamped", I, AT, "x"),
    ("[2026-11-24 02:13:20] [error] x", "stamped", E, AT, "x"),
    ("[2026-11-24 02:13:20 +0000] [77] [INFO] Booting", "stamped", I, AT, "Booting"),
    ("2026-11-24 02:13:20 UTC FATAL: x", "stamped", F, AT, "x"),
    ('2026-11-24T02:13:20Z level=error msg="x y"', "stamped", E, AT, "x y"),
    ("2026-11-24T02:13:20+01:00 plain", "stamped", None, AT - timedelta(hours=1), "plain"),
    ("2026-11-24T02:13:20Z connection to FATAL db", "stamped", None, AT, "connection to FATAL db"),
    # no format
    ("[INFO] hello", "raw", I, None, "hello"),
    ("error: bad", "raw", E, None, "bad"),
    ("\x1b[33mWARN\x1b[0m tired", "raw", W, None, "tired"),
    ("TRACE in", "raw", T, None, "in"),
    ("one level=error inside", "raw", E, None, "one level=error inside"),
    ("An ERROR in the middle of prose", "raw", None, None, "An ERROR in the middle of prose"),
    ("error opening is how a sentence begins", "raw", None, None, "error opening is how a sentence begins"),
    ("Traceback (most recent call last):", "raw", None, None, "Traceback (most recent call last):"),
    ("    raise Error", "raw", None, None, "    raise Error"),
    ('{"a": 1', "raw", None, None, '{"a": 1'),
    ("[1, 2]", "raw", None, None, "[1, 2]"),
    ("2026-13-45 99:99:99 x", "raw", None, None, "2026-13-45 99:99:99 x"),
    ("", "raw", None, None, ""),
]


@pytest.mark.parametrize(("line", "form", "level", "time", "message"), TABLE, ids=[row[0][:40] for row in TABLE])
def test_a_line_says_what_its_system_meant(
    line: str, form: str, level: Level | None, time: datetime | None, message: str
) -> None:
    record = parse(line)
    assert (record.format, record.level, record.message) == (form, level, message)
    assert record.time == time
    assert record.time is None or record.time.tzinfo is not None


def test_what_a_line_is_does_not_hang_on_the_lines_before_it() -> None:
    alone = [parse(row[0]) for row in TABLE]
    for before in TABLE:
        formats = Formats("files/app")
        for row, record in zip(TABLE, alone, strict=True):
            formats.parse(before[0].encode(), "app.log")
            assert formats.parse(row[0].encode(), "app.log") == record, before[0]


def test_a_line_that_is_an_error_is_among_the_possible_ones() -> None:
    """Only they are parsed by `e` and by the error rate."""
    for line, _, level, _, _ in TABLE:
        bad = level is not None and level >= Level.ERROR
        assert is_error(parse(line)) is bad, line
        if bad:
            assert possible_errors(b"fine\n" + line.encode() + b"\nfine") == [1], line


def test_the_fields_of_a_line_within_syslog() -> None:
    fields = parse(f"Nov 24 02:13:20 lb haproxy[1]: {PROXIED}").fields
    assert fields == {
        **{"host": "lb", "app": "haproxy", "pid": "1", "remote": "10.0.1.2", "port": "1"},
        **{"frontend": "in", "backend": "web", "server": "<NOSRV>", "timers": "0/-1/-1/-1/0"},
        **{"status": "503", "bytes": "217", "termination": "SC--"},
        **{"method": "GET", "path": "/", "protocol": "HTTP/1.1"},
    }


def test_the_fields_of_an_access_log() -> None:
    record = parse(
        '1.2.3.4 - bob [24/Nov/2026:02:13:20 +0000] "POST /a?b=c HTTP/1.1" 201 12 "http://r/" "curl/8" rt=0.1'
    )
    assert record.fields == {
        "remote": "1.2.3.4",
        "user": "bob",
        "method": "POST",
        "path": "/a?b=c",
        "protocol": "HTTP/1.1",
        "status": "201",
        "bytes": "12",
        "referer": "http://r/",
        "agent": "curl/8",
        "more": "rt=0.1",
    }


def test_the_fields_of_json_are_texts_and_one_level_deep() -> None:
    record = parse('{"msg":"x","n":1,"f":1.5,"ok":true,"no":null,"a":{"b":"c","d":{"e":[1]}},"l":[1,"2"]}')
    assert record.fields == {
        **{"n": "1", "f": "1.5", "ok": "true", "no": "null", "a.b": "c"},
        **{"a.d": '{"e":[1]}', "l": '[1,"2"]'},
    }


def test_the_fields_of_the_others() -> None:
    assert parse('level=info msg=x user=bob empty= q="a b"').fields == {"user": "bob", "empty": "", "q": "a b"}
    assert parse("<11>Nov 24 02:13:20 vm app[77]: text").fields == {"host": "vm", "app": "app", "pid": "77"}
    assert parse("2026-11-24 02:13:20,123 - my.name - INFO - x").fields == {"logger": "my.name"}
    assert parse("I1124 02:13:20.123456   77 a.go:1] x").fields == {"pid": "77", "caller": "a.go:1"}
    nginx = parse('2026/11/24 02:13:20 [warn] 9#0: *5 m, client: 1.2.3.4, request: "GET / HTTP/1.1"').fields
    assert nginx == {"pid": "9", "connection": "5", "client": "1.2.3.4", "request": "GET / HTTP/1.1"}


@pytest.mark.parametrize("pri", range(192))
def test_a_syslog_priority_is_facility_times_eight_plus_severity(pri: int) -> None:
    expected = [F, F, F, E, W, I, I, D][pri % 8]
    assert parse(f"<{pri}>1 2026-11-24T02:13:20Z h a - - - x").level is expected
    assert parse(f"<{pri}>Nov 24 02:13:20 h a: x").level is expected


@pytest.mark.parametrize(
    ("word", "level"),
    [
        *[(word, F) for word in ("fatal", "critical", "crit", "emerg", "panic", "alert")],
        *[(word, E) for word in ("error", "err", "severe")],
        *[(word, W) for word in ("warn", "warning")],
        *[(word, I) for word in ("notice", "info")],
        ("debug", D),
        *[(word, T) for word in ("trace", "verbose")],
    ],
)
def test_every_word_for_a_level(word: str, level: Level) -> None:
    for spelled in (word, word.upper(), word.capitalize()):
        assert parse(f"[{spelled}] x").level is level
        assert parse(f"{spelled}: x").level is level
        assert parse(f"level={spelled} msg=x").level is level
        assert parse(f'{{"level":"{spelled}"}}').level is level
        assert parse(f"2026-11-24T02:13:20Z [{spelled}] x").level is level
    assert parse(f"{word.upper()} x").level is level
    assert parse(f"x {word} y").level is None


def test_what_is_no_text() -> None:
    assert parse(b"caf\xe9 \xff").message == "caf\ufffd \ufffd"
    assert parse(b"nul\0nul").message == "nul\0nul"
    assert parse(b"2026-11-24T02:13:20Z ERROR x\r").message == "x"
    assert parse(b'{"msg":"caf\xe9","level":"error"}').level is E
    assert parse(b'\xef\xbb\xbf{"msg":"x"}').message == "x"


@pytest.mark.parametrize(("over", "known"), [(0, "logfmt"), (1, "raw")])
def test_in_a_line_beyond_measure_no_format_is_looked_for(over: int, known: str) -> None:
    assert parse(b"level=error msg=" + b"x" * (FORMAT_WITHIN - len("level=error msg=") + over)).format == known


def test_a_huge_line_is_taken_as_it_is_and_at_once() -> None:
    started = time.thread_time()
    record = parse(b"x" * 5_000_000)
    assert len(record.message) == 5_000_000
    for start in ("2026-11-24T02:13:20Z ", "a=", "1.2.3.4 - - [", "<1>1 ", "Nov 24 02:13:20 h ", '{"a":'):
        parse(start + 'a b=\\"' * 500_000)
    for line in (
        "a=1 " + "a" * 65_000,
        "a=1 " * 16_000,
        "1:" * 32_000,
        "[" * 65_000,
        "1.2.3.4 - " + "a " * 32_000,
    ):
        parse(line)
        parse(f"2026-11-24T02:13:20Z {line}"[:65_000])
        parse(f"Nov 24 02:13:20 h {line}"[:65_000])
        parse(f"<1>1 - - - - - {line}"[:65_000])
    assert time.thread_time() - started < 5


def test_every_format_of_the_table_is_proved_here() -> None:
    lacking = ", ".join(sorted({form.name for form in FORMATS} ^ ({row[1] for row in TABLE} - {"raw"})))
    assert {form.name for form in FORMATS} == {row[1] for row in TABLE} - {"raw"}, (
        f"{lacking}: its lines, in TABLE"
    )


def test_a_line_without_a_zone_is_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    from backends.logs.times import local_zone

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    local_zone.cache_clear()
    try:
        winter = parse("2026-11-24 02:13:20,123 INFO x").time
        summer = parse("2026-07-24 02:13:20,123 INFO x").time
        syslog = parse("<11>Jul 24 02:13:20 h a: x").time
    finally:
        monkeypatch.setenv("TZ", "UTC")
        time.tzset()
        local_zone.cache_clear()
    assert winter == datetime(2026, 11, 24, 2, 13, 20, 123000, timezone(timedelta(hours=1)))
    assert summer == datetime(2026, 7, 24, 2, 13, 20, 123000, timezone(timedelta(hours=2)))
    assert syslog is not None
    assert syslog.utcoffset() == timedelta(hours=2)
