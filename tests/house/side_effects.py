"""Finds every call in a source file that could change something outside: a static look, by names.

It guards tired people, not against somebody who hides a call on purpose (getattr, eval). What can't be told by
its name alone (`x.set`, `x.replace`) is told by its arguments.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

PROCESS = {
    *("os.kill", "os.killpg", "signal.pidfd_send_signal", "signal.raise_signal", "signal.pthread_kill"),
    *("asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"),
    *("subprocess.run", "subprocess.Popen", "subprocess.call"),
    *("asyncio.subprocess.create_subprocess_exec", "asyncio.subprocess.create_subprocess_shell"),
    *("subprocess.getoutput", "subprocess.getstatusoutput", "os.system", "os.popen"),
    *("subprocess.check_call", "subprocess.check_output", "pty.spawn", "pty.fork", "os.fork", "os.forkpty"),
    *("os.setpriority", "os.sched_setaffinity"),
}
FAMILIES = re.compile(
    r"os\.(exec|spawn|posix_spawn)\w*|shutil\.(rmtree|move|copy\w*|chown|unpack_archive)|tempfile\.\w+"
)
FILES = {
    *(
        "os.remove",
        "os.unlink",
        "os.rmdir",
        "os.removedirs",
        "os.rename",
        "os.renames",
        "os.replace",
        "os.truncate",
    ),
    *("os.ftruncate", "os.link", "os.symlink", "os.chmod", "os.fchmod", "os.chown", "os.lchown", "os.fchown"),
    *("os.makedirs", "os.mkdir", "os.mkfifo", "os.utime"),
}
RPCS = {
    # etcd's, of aetcd's stubs: also handed over by their names
    *("Put", "DeleteRange", "Txn", "LeaseGrant", "LeaseRevoke", "Compact", "Defragment", "MoveLeader"),
    *("MemberAdd", "MemberRemove", "MemberUpdate", "MemberPromote", "Alarm", "AuthEnable", "AuthDisable"),
    *("UserAdd", "UserDelete", "UserChangePassword", "UserGrantRole", "UserRevokeRole"),
    *("RoleAdd", "RoleDelete", "RoleGrantPermission", "RoleRevokePermission", "Downgrade"),
}
METHODS = {
    # pathlib
    *("chmod", "lchmod"),
    *("unlink", "rmdir", "rename", "write_text", "write_bytes", "touch", "symlink_to", "hardlink_to", "mkdir"),
    # Popen, psutil, asyncio transports
    *("send_signal", "terminate", "kill", "suspend", "resume", "subprocess_exec", "subprocess_shell"),
    # sockets: what a text makes of the other side nobody can tell
    *("sendall", "sendto", "sendmsg"),
    # httpx
    *("post", "put", "patch", "delete", "request"),
    # kazoo
    *("create", "create_async", "delete_async", "set_async", "set_acls", "ensure_path", "transaction", "command"),
    *RPCS,
}
BY_NAME = RPCS | {"Lock", "Campaign", "Proclaim", "Resign"}
"""Handed over as text; as names they are those of other things too."""
HANDED = METHODS - {"command", "request", "create"}
"""Handed over to be called elsewhere; the others are names of plain values too."""
ASKING = {"stream", "build_request", "Request"}
"""httpx's, which take a method; harmless with one of these as a constant."""
READING = {"GET", "HEAD", "OPTIONS"}
WORDS = re.compile(
    r"POST|PUT|PATCH|DELETE"
    r"|(supervisor|system)\.(start|stop|restart|shutdown|signal|remove|add|clear|reload|send|multicall)\w*"
)
"""Constants that are methods of HTTP or of supervisord's XML-RPC, wherever they are handed over."""
FAMILY = re.compile(r"(supervisor|system)\.")
"""With this a name begins that is put together: it may be any of them."""
WRITING = re.compile(r"[wax+]")
OPENING = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND")


@dataclass(frozen=True)
class Mutation:
    """One call: in which function (`Class.method`), what, at which line, and whether a permit was used before."""

    function: str
    call: str
    line: int
    permitted: bool


def mutations(source: str) -> list[Mutation]:
    tree = ast.parse(source)
    return sorted(_walk(tree, _imported(tree), (), ()), key=lambda found: found.line)


def _imported(tree: ast.AST) -> dict[str, str]:
    """What each name of an import stands for: `run` → `subprocess.run`."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
    return names


Function = ast.FunctionDef | ast.AsyncFunctionDef


def _walk(
    node: ast.AST, names: dict[str, str], path: tuple[str, ...], functions: tuple[Function, ...]
) -> Iterator[Mutation]:
    for child in ast.iter_child_nodes(node):
        inner, around = path, functions
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            inner = (*path, child.name)
            if not isinstance(child, ast.ClassDef):
                around = (*functions, child)
        what = _change(child, names)
        if what:
            line = getattr(child, "lineno", 0)
            permitted = any(_permits(function, line) for function in around)
            yield Mutation(".".join(path) or "module", what, line, permitted)
        yield from _walk(child, names, inner, around)


def _change(node: ast.AST, names: dict[str, str]) -> str:
    """What could be changed by this node, as a call's name; empty where nothing could."""
    if isinstance(node, ast.Constant):
        word = node.value.decode("latin-1") if isinstance(node.value, bytes) else node.value
        return word if isinstance(word, str) and (WORDS.fullmatch(word) or word in BY_NAME) else ""
    if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
        return ast.unparse(node) if FAMILY.match(str(node.values[0].value)) else ""
    if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
        # Also where it is not called but handed on: `to_thread(os.kill, pid, 9)`.
        name = _full(node, names)
        return name if name in PROCESS or name in FILES or FAMILIES.fullmatch(name) else ""
    if not isinstance(node, ast.Call):
        return ""
    name = _full(node.func, names)
    if name == "open" or name.endswith(".open"):
        return name if _opens_to_write(node, name) else ""
    handed = [argument.attr for argument in node.args if isinstance(argument, ast.Attribute)]
    if any(word in HANDED for word in handed) or ("set" in handed and name.endswith("retry")):
        return f"{name}({', '.join(handed)})"
    if not isinstance(node.func, ast.Attribute):
        return ""
    method = node.func.attr
    if method in ASKING and not _only_reads(node):
        return name
    if method in METHODS and not (name in PROCESS or name in FILES):
        return name
    if method == "replace" and len(node.args) == 1 and not node.keywords and "." in name:
        return name  # Path.replace: that of a str has two arguments, that of a Struct has keywords.
    if method == "set" and (len(node.args) > 1 or node.keywords):
        return name  # kazoo's: an Event's has none, a ContextVar's has one
    return ""


def _only_reads(call: ast.Call) -> bool:
    """Whether an HTTP request's method is a constant that changes nothing."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "method"] or call.args[:1]
    return bool(given) and isinstance(given[0], ast.Constant) and given[0].value in READING


def _full(node: ast.AST, names: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        before = _full(node.value, names)
        return f"{before}.{node.attr}" if before else node.attr
    return ""


def _opens_to_write(node: ast.Call, name: str) -> bool:
    if name == "os.open":
        return any(word in ast.unparse(node) for word in OPENING)
    given = [keyword.value for keyword in node.keywords if keyword.arg == "mode"]
    of_a_path = name not in ("open", "io.open")
    modes = given or list(node.args[:1] if of_a_path else node.args[1:2])
    return any(_writes(mode, of_a_path=of_a_path and not given) for mode in modes)


def _writes(mode: ast.expr, *, of_a_path: bool) -> bool:
    """Whether a file's mode lets it be written, or can't be told; `x.open(y)` is mostly no file's."""
    if isinstance(mode, ast.Constant) and isinstance(mode.value, str):
        return len(mode.value) < 4 and bool(WRITING.search(mode.value))
    return not of_a_path or (isinstance(mode, ast.Name) and "mode" in mode.id)


def _permits(function: Function, line: int) -> bool:
    """Whether a function takes a Permit and uses it above a line, in a statement of its own: below an `if`, a
    `try` or a `with` (which may suppress what it raises) it may be gone by."""
    arguments = (*function.args.args, *function.args.kwonlyargs, *function.args.posonlyargs)
    permits = {a.arg for a in arguments if a.annotation is not None and ast.unparse(a.annotation) == "Permit"}
    return any(
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and isinstance(statement.value.func, ast.Attribute)
        and statement.value.func.attr == "use"
        and isinstance(statement.value.func.value, ast.Name)
        and statement.value.func.value.id in permits
        and statement.lineno < line
        for statement in function.body
    )
