"""A process of its own for each submission, shut in; the grader stands outside and asks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mmlab.coursework.confine import missing
from mmlab.coursework.plain import Plain, decode, encode

MEMORY = 1 << 30  # bytes of address space
SECONDS = 10  # that one request may take
TOTAL = 120  # seconds that a submission may take
REPLY = 1 << 21  # bytes of an answer, at most


class Stopped(Exception):
    """The sandbox is gone; its text says why: too long, too much, or ended by the code in it."""


class Failed(Exception):
    """The submitted code raised an error; its text is the error's."""


class Nursery:
    """Where sandboxes are born: a process that is ready to run answers. Use it as a context manager.

    One after another, or several at once, but asked by one process only.
    """

    def __init__(self, confined: bool = True) -> None:
        """Not `confined`: what runs in it can do all that the user can. OSError if it cannot be done here."""
        reason = missing() if confined else None
        if reason:
            raise OSError(f"Submitted code cannot be shut in here: {reason}.")
        if not hasattr(os, "fork"):
            raise OSError(f"Submitted code cannot be run here: it needs Linux or macOS, not {sys.platform}.")
        self.confined = confined
        mine, theirs = socket.socketpair()
        command = [sys.executable, "-I", "-B", "-m", "mmlab.coursework.worker", str(theirs.fileno())]
        self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        self.control = mine

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it, and all its sandboxes."""
        with self.control:
            self.control.shutdown(socket.SHUT_RDWR)
        self.process.wait()

    @contextmanager
    def sandbox(self, student: str, seconds: float = SECONDS, until: float | None = None) -> Iterator[Sandbox]:
        """Open a sandbox for a student's work; it ends with the block, whatever runs in it.

        A request may take `seconds`, and none lasts beyond `until` (of time.monotonic).
        """
        mine, theirs = socket.socketpair()
        order = {"student": student, "confined": self.confined, "memory": MEMORY, "seconds": TOTAL}
        socket.send_fds(self.control, [json.dumps(order).encode()], [theirs.fileno()])
        theirs.close()
        pid = int(self.control.recv(8))
        try:
            yield Sandbox(mine, seconds, until)
        finally:
            mine.close()
            self.control.sendall(json.dumps({"end": pid}).encode())
            self.control.recv(8)


class Questions:
    """What a check asks of answers, as requests (answers.do); `ask(request)` gives the reply. Failed."""

    def value(self, name: str) -> Plain:
        """Give the value of a variable."""
        return self.ask({"value": name})

    def call(self, function: str, *arguments: Plain) -> Plain:
        """Call a function that an answer has defined."""
        return self.ask({"call": function, "arguments": [encode(each) for each in arguments]})

    def probe(self, code: str, **named: Plain) -> Plain:
        """Run the grader's own code beside the answers; what it leaves in `result` is the value."""
        return self.ask({"probe": code, "named": {name: encode(each) for name, each in named.items()}})

    def ask(self, request: dict) -> Plain:
        """Give the reply to a request."""
        raise NotImplementedError


class Sandbox(Questions):
    """Submitted code, running elsewhere: what it says is plain data, and none of it is believed. Failed, Stopped."""

    def __init__(self, line: socket.socket, seconds: float, until: float | None) -> None:
        self.line, self.seconds, self.output = line, seconds, ""
        self.until = until or float("inf")

    def run(self, code: str, name: str) -> None:
        """Run a cell; `name` is what an error calls it."""
        self.ask({"run": code, "name": name})

    def ask(self, request: dict) -> Plain:
        """Send a request and wait for the answer; what was printed meanwhile is in `output`."""
        deadline = min(time.monotonic() + self.seconds, self.until)
        try:
            self.wait(deadline)
            self.line.sendall(json.dumps(request).encode() + b"\n")
            reply = json.loads(self.hear(deadline))
            self.output = str(reply.get("output", ""))
            if "value" in reply:
                return decode(reply["value"])
            error = str(reply.get("error") or reply.get("broken"))
        except (ValueError, TypeError, AttributeError, RecursionError) as nonsense:
            raise Stopped(f"it answered with nonsense ({nonsense})") from None
        except OSError:
            raise Stopped("it ended its own process") from None
        raise Failed(error)

    def hear(self, deadline: float) -> bytes:
        """Read one line, in time and not too long."""
        heard = bytearray()
        while not heard.endswith(b"\n"):
            self.wait(deadline)
            try:
                piece = self.line.recv(1 << 16)
            except TimeoutError:
                continue
            if not piece:
                raise Stopped("it ended its own process, or used too much memory or time")
            heard += piece
            if len(heard) > REPLY:
                raise Stopped("it said too much")
        return bytes(heard)

    def wait(self, deadline: float) -> None:
        """Let the next send or receive wait until the deadline; Stopped if it is over."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise Stopped(f"it did not end within {self.seconds:g} s" if deadline < self.until
                          else "there was no time left for this submission")
        self.line.settimeout(left)
