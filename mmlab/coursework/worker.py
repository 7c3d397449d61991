"""The process in which submitted code runs. Started as `python -I -m mmlab.coursework.worker FD`.

It begins as a nursery: it has imported what answers need, holds no secret, and for each socket that comes in through FD
it makes a child, which shuts itself in and then serves whoever holds the socket's other end. When FD closes, it ends
its children and itself.
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

import mmlab
import mmlab.views  # some questions draw; what is imported here is imported once
from mmlab.coursework.answers import do, last_words
from mmlab.coursework.confine import confine
from mmlab.coursework.plain import encode

OUTPUT = 10_000  # characters of output that are kept
REPLY = 1 << 20  # bytes of an answer


def nursery(control: socket.socket) -> None:
    """Make a child for each socket (its pid is the answer), and end one whose pid is named."""
    children: set[int] = set()
    while True:
        line, fds, _, _ = socket.recv_fds(control, 4096, 1)
        if not line:
            return end(*children)
        order = json.loads(line)
        if "end" in order:
            end(order["end"])
            children.discard(order["end"])
            control.sendall(b"ended   ")
            continue
        pid = os.fork()
        if pid == 0:
            control.close()
            child(socket.socket(fileno=fds[0]), order)
        os.close(fds[0])
        children.add(pid)
        control.sendall(b"%8d" % pid)


def end(*children: int) -> None:
    """End children, whatever they do."""
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def child(line: socket.socket, order: dict) -> None:
    """Shut this process in, then serve until the other end closes."""
    try:
        silence()
        os.environ.clear()
        os.environ["MMLAB_STUDENT"] = order["student"]
        os.chdir("/")
        if order["confined"]:
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
        line.sendall(answer(json.loads(text), namespace) + b"\n")


def answer(request: dict, namespace: dict) -> bytes:
    """Do what a request asks; give the value or the error, and the output, as text."""
    said = Bounded()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            value = encode(do(request, namespace))
        reply = json.dumps({"value": value, "output": said.getvalue()}).encode()
        if len(reply) > REPLY:
            raise ValueError(f"the answer is {len(reply)} bytes long")
        return reply
    except BaseException as error:
        return json.dumps({"error": last_words(error), "output": said.getvalue()}).encode()


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
