"""What is measured at the kernel: from the message of a slider that moves until the kernel is idle."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

WARMING = 10  # moves that do not count


class Way(NamedTuple):
    """A cell, the sliders in it that are moved, and what the n-th move is: of which slider, to which value."""

    code: str
    sliders: tuple[str, ...]
    move: Callable[[int], tuple[str, int]]


class Moved(NamedTuple):
    """How long each move took, and how much processor time one takes; ms."""

    times: list[float]
    cpu: float


@contextlib.contextmanager
def started(code: str) -> Iterator[BlockingKernelClient]:
    """Start a kernel, and run the code in it; give its client."""
    manager, client = start_new_kernel(stderr=subprocess.DEVNULL)
    try:
        reply = client.execute_interactive(code, output_hook=lambda _: None, timeout=60)
        assert reply["content"]["status"] == "ok", reply["content"]
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def value(client: BlockingKernelClient, expression: str) -> str:
    """Ask a kernel for the repr of an expression."""
    reply = client.execute_interactive(
        "", user_expressions={"asked": expression}, output_hook=lambda _: None, timeout=60
    )
    return str(reply["content"]["user_expressions"]["asked"]["data"]["text/plain"])


def move(client: BlockingKernelClient, comm: str, to: int) -> float:
    """Send the message of a slider that moves; give the ms until the kernel is idle."""
    content = {"comm_id": comm, "data": {"method": "update", "state": {"value": to}, "buffer_paths": []}}
    message = client.session.msg("comm_msg", content)
    began = time.perf_counter()
    client.shell_channel.send(message)
    while True:
        heard = client.get_iopub_msg(timeout=20)
        ours = heard["parent_header"].get("msg_id") == message["header"]["msg_id"]
        if ours and heard["content"].get("execution_state") == "idle":
            return (time.perf_counter() - began) * 1000


def moved(graph: str, ways: Mapping[str, Way], moves: int) -> dict[str, Moved]:
    """Move a slider of each way in turn, each in a kernel of its own."""
    with contextlib.ExitStack() as stack:
        clients = {what: stack.enter_context(started(graph + way.code)) for what, way in ways.items()}
        comms = {
            what: {name: value(clients[what], f"{name}.model_id").strip("'") for name in way.sliders}
            for what, way in ways.items()
        }
        times: dict[str, list[float]] = {what: [] for what in ways}
        used = {what: cpu(client) for what, client in clients.items()}
        for n in range(1, moves + WARMING + 1):
            for what, way in ways.items():
                slider, to = way.move(n)
                times[what].append(move(clients[what], comms[what][slider], to))
        spent = {what: (cpu(client) - used[what]) / (moves + WARMING) for what, client in clients.items()}
        return {what: Moved(found[WARMING:], spent[what]) for what, found in times.items()}


def cpu(client: BlockingKernelClient) -> float:
    """Ask a kernel how much processor time it has used, in ms."""
    return float(value(client, "__import__('time').process_time()")) * 1000
