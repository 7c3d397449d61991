"""Measure the simulation, and say which bar it clears: python -m tests.bench [--quick] [--peers] [--json FILE]."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from . import measures, peers
from .measures import apart
from .workload import KINDS, plan

BARS_OF_WORK = {100: 2.0, 1000: 2.0, 10_000: 2.0, 65_000: 3.0}  # at most so many times the real kernel's time
BARS_OF_GROWTH = {"map": 4.0, "unmap": 4.0, "split": 4.0, "touch": 2.0, "lookup": 8.0}

REMAINS = """\
What the bars that are missed would cost:
  a store to each page, W(n): a first store is 27 Python calls, from Process.store to write_page_bytes. Written as one
    function of 50 lines, with the same objects and counters, it takes 0.6 of the time: still short of the bar on warm
    memory. Writing out only the one-line macros saves 5 % of W(1000); the garbage collector takes 2 %.
  with all traced: a first store is 12 calls, 12 returns and 14 changes. Appending these to a list, and nothing else,
    takes all the time that the bar allows. Recorders compiled for each signature would save about 10 %, and so would
    not noting the line of each change.
  memory of a VMA: its 17 fields take 168 bytes, and 32 each the integers in vm_start, vm_end, vm_pgoff, vm_flags and
    number. The bar holds only without three of these numbers.
"""


class Line(NamedTuple):
    """One thing measured against a bar (None: for information)."""

    what: str
    value: float
    unit: str
    bar: float | None = None
    at_least: bool = False

    @property
    def verdict(self) -> str:
        """Say whether the value is on the right side of the bar."""
        if self.bar is None:
            return ""
        return "ok" if (self.value >= self.bar if self.at_least else self.value <= self.bar) else "MISSED"

    def __str__(self) -> str:
        bar = f"{'≥' if self.at_least else '≤'} {self.bar:g}" if self.bar is not None else ""
        return f"{self.what:62} {self.value:9.2f} {self.unit:6} {bar:>7} {self.verdict}"


class Size(NamedTuple):
    """How much is done: rounds of each measurement, n of W(n), pages to touch, pages to fork."""

    rounds: int
    ns: tuple[int, ...]
    pages: int
    forked: int


FULL = Size(5, (100, 1000, 10_000, 65_000), 262_144, 100_000)
QUICK = Size(5, (100, 1000), 16_384, 10_000)


def rounds(size: Size, *calls: tuple[Any, ...]) -> list[list[Any]]:
    """Make the calls in turn, round after round; give each one's results. A first round only warms the machine."""
    turns = [[apart(*call) for call in calls] for _ in range(size.rounds + 1)][1:]
    return [list(results) for results in zip(*turns, strict=True)]


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Give the median, over the rounds, of ours : theirs."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def microseconds(seconds: list[float], operations: int) -> float:
    """Give the median cost of one operation."""
    return statistics.median(seconds) / operations * 1e6


def work(size: Size, say: Callable[[Line], None]) -> None:
    """W(n) against the real kernel through ctypes, in total and by kind; and how each kind's cost grows with n."""
    cost: dict[int, dict[str, float]] = {}
    for n in size.ns:
        ours, real = rounds(size, (measures.work, "mmlab", n), (measures.work, "ctypes", n))
        totals = [[sum(run.values()) for run in runs] for runs in (ours, real)]
        say(Line(f"W({n}): time, mmlab : real kernel through ctypes", ratio(*totals), "×", BARS_OF_WORK[n]))
        counts = plan(n).counts()
        cost[n] = {kind: microseconds([run[kind] for run in ours], counts[kind]) for kind in KINDS}
        for kind in KINDS:
            theirs = microseconds([run[kind] for run in real], counts[kind])
            say(Line(f"    {kind}: {theirs:.2f} µs the real kernel, mmlab", cost[n][kind], "µs"))
    small, large = size.ns[0], size.ns[-1]
    for kind, bar in BARS_OF_GROWTH.items():
        growth = cost[large][kind] / cost[small][kind]
        say(Line(f"{kind}: cost of one operation, n = {large} : n = {small}", growth, "×", bar))


def touching(size: Size, say: Callable[[Line], None]) -> None:
    """Touching anonymous memory page by page, untraced and traced; and what a trace costs that is over."""
    pages = size.pages
    real, ours, traced, over = rounds(
        size,
        (measures.touch_by_mmap, pages),
        (measures.touch, pages),
        (measures.touch_traced, pages // 8),
        (measures.touch_after_trace, pages),
    )
    whole = [8 * seconds for seconds in traced]
    say(Line(f"a store to each of {pages} pages: Python's mmap, real kernel", microseconds(real, pages), "µs"))
    say(Line("    mmlab", microseconds(ours, pages), "µs"))
    say(Line("    speed, mmlab : Python's mmap on the real kernel", ratio(real, ours), "×", 0.8, True))
    say(Line("    speed, with every call and change traced", ratio(real, whole), "×", 0.5, True))
    say(Line("    time, after a trace : before any trace", ratio(over, ours), "×", 1.1))
    real, ours = rounds(size, (measures.touch_by_mmap, pages, False), (measures.touch, pages, False))
    say(Line(f"a load from each of {pages} pages: speed, mmlab : Python's mmap", ratio(real, ours), "×"))


def memory(size: Size, say: Callable[[Line], None]) -> None:
    """What objects take, and that nothing is stored for pages never written."""
    n, pages = size.forked // 10, size.forked
    for what, function, amount, bar in (
        ("memory of a VMA (anonymous, untouched)", measures.bytes_per_vma, n, 250),
        ("memory of a page that was only loaded from", measures.bytes_per_loaded_page, pages, 64),
        ("memory of a page with a page object, never written", measures.bytes_per_page_object, pages, 300),
    ):
        say(Line(what, apart(function, amount), "bytes", bar))
    say(Line("pages never written whose contents are stored", apart(measures.contents_unwritten, pages), "", 0))


def processes(size: Size, say: Callable[[Line], None]) -> None:
    """Fork, boot and spawn."""
    ours, real = rounds(size, (measures.fork, size.forked), (measures.os_fork, size.forked))
    say(Line(f"fork of {size.forked} pages: time, mmlab : os.fork", ratio(ours, real), "×", 10))
    for what, spawn in (("Kernel()", False), ("Kernel() and spawn", True)):
        say(Line(what, statistics.median(rounds(size, (measures.boot, spawn))[0]) * 1e3, "ms"))


def main(words: list[str]) -> int:
    """Measure and print the table; it, not the exit code, says which bars are missed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes only: half a minute")
    parser.add_argument("--peers", action="store_true", help="Python's mmap, unicorn and angr do W(1000) too")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE as well ('-': print them instead)")
    chosen = parser.parse_args(words)
    if sys.platform != "linux":
        print("make bench compares with the real Linux kernel: it needs Linux.", file=sys.stderr)
        return 1
    size, lines = QUICK if chosen.quick else FULL, []
    out = sys.stderr if chosen.json == "-" else sys.stdout

    def say(line: Line) -> None:
        lines.append(line)
        print(line, file=out, flush=True)

    where = f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"
    print(f"CPU time; ratios of one run, medians of {size.rounds} rounds. {where}", file=out)
    for part in (touching, memory, processes, work):
        part(size, say)
    others = peers.compare(out, size.rounds) if chosen.peers else {}
    missed = [line for line in lines if line.verdict == "MISSED"]
    print(f"{sum(line.verdict == 'ok' for line in lines)} bars cleared, {len(missed)} missed", file=out)
    if missed:
        print(REMAINS, end="", file=out)
    if chosen.json:
        figures = [line._asdict() | {"verdict": line.verdict} for line in lines]
        told = {"where": where, "rounds": size.rounds, "lines": figures, "peers": others}
        text = json.dumps(told, ensure_ascii=False, indent=1)
        if chosen.json == "-":
            print(text)
        else:
            with open(chosen.json, "w", encoding="utf-8") as file:
                file.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
