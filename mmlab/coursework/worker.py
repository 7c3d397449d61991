"""The process in which submitted code runs. Started as `python -I -m mmlab.coursework.worker FD`.

It begins as a nursery: it has imported what answers need, holds no secret, and for each socket that comes in through FD
it makes a child, which shuts itself in and then serves whoever holds the socket's other end.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

import mmlab
from mmlab.coursework.confine import confine
from mmlab.coursework.plain import decode, encode

OUTPUT = 10_000  # characters of output that are kept
REPLY = 1 << 20  # bytes of an answer


def nursery(control: socket.socket) -> None:
    """Make a child for each socket (its pid is the answer), and end one whose pid is named."""
    while True:
        line, fds, _, _ = socket.recv_fds(control, 4096, 1)
        if not line:
            return
        order = json.loads(line)
        if "end" in order:
            os.kill(order["end"], signal.SIGKILL)
            os.waitpid(order["end"], 0)
            control.sendall(b"ended   ")
            continue
        pid = os.fork()
        if pid == 0:
            control.close()
            child(socket.socket(fileno=fds[0]), order)
        os.close(fds[0])
        control.sendall(b"%8d" % pid)


def child(line: socket.socket, order: dict) -> None:
    """Shut this process in, then serve until the other end closes."""
    try:
        silence()
        os.environ.clear()
        os.environ["MMLAB_STUDENT"] = order["student"]
        os.chdir("/")
        confine(readable(), order["memory"], order["seconds"])
        serve(line)
    except BaseException:
        with contextlib.suppress(OSError):
            line.sendall(json.dumps({"broken": traceback.format_exc()}).encode() + b"\n")
    finally:
        os._exit(0)


def silence() -> None:
    """Let the descriptors 0 to 2 lead nowhere."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(nothing, fd)
    os.close(nothing)


def readable() -> list[Path]:
    """What answers may read: Python, its packages, and mmlab, but no other file of the course."""
    package = Path(mmlab.__file__).parent
    return [package, *map(Path, {sys.prefix, sys.base_prefix, "/usr/lib", "/lib", "/lib64", "/usr/share/zoneinfo"})]


def serve(line: socket.socket) -> None:
    """Do what each line asks, in the student's namespace, and answer it."""
    namespace = {"__name__": "__main__", "__builtins__": builtins, "get_ipython": NoShell}
    for text in line.makefile("rb"):
        reply = json.dumps(answer(json.loads(text), namespace)).encode()
        if len(reply) > REPLY:
            reply = json.dumps({"error": f"the answer is {len(reply)} bytes long", "output": ""}).encode()
        line.sendall(reply + b"\n")


def answer(request: dict, namespace: dict) -> dict:
    """Run a cell, or look at a value, call a function, or try a probe; give the value or the error, and the output."""
    said = Bounded()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            value = encode(do(request, namespace))
        return {"value": value, "output": said.getvalue()}
    except BaseException as error:
        return {"error": last_words(error), "output": said.getvalue()}


def do(request: dict, namespace: dict) -> object:
    """Do what a request asks."""
    arguments = [decode(each) for each in request.get("arguments", [])]
    match request:
        case {"run": code, "name": name}:
            exec(compile(code, name, "exec"), namespace)
            return None
        case {"value": name}:
            return named_in(namespace, name)
        case {"call": name}:
            return named_in(namespace, name)(*arguments)
        case {"probe": code, "named": named}:
            around = dict(namespace) | {name: decode(each) for name, each in named.items()}
            exec(compile(code, "the check", "exec"), around)
            return around["result"]
    raise ValueError(f"no such request: {list(request)}")


def named_in(namespace: dict, name: str) -> Any:
    """Give what an answer calls so; NameError if it does not."""
    if name not in namespace:
        raise NameError(f"the answer does not define {name}")
    return namespace[name]


def last_words(error: BaseException) -> str:
    """Say what an error was and where it was raised, in a few lines."""
    lines = traceback.format_exception_only(type(error), error)
    places = [f"  line {each.lineno} of {each.filename}" for each in traceback.extract_tb(error.__traceback__)
              if each.filename.startswith(("answer", "the check"))]  # fmt: skip
    return ("".join(lines).strip() + "\n" + "\n".join(places[-3:])).strip()[:2000]


class Bounded(io.StringIO):
    """Text of at most OUTPUT characters; what is more is lost."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, OUTPUT - self.tell())])
        return len(text)


class NoShell:
    """Stands for IPython's shell, so that a magic command in an answer does nothing."""

    def __getattr__(self, name: str) -> object:
        return lambda *arguments: None


if __name__ == "__main__":
    nursery(socket.socket(fileno=int(sys.argv[1])))
