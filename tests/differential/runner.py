"""Compare many random programs: python -m tests.differential [N] [--seed S] [--without METHOD] [--record FILE]."""

import argparse
import collections
import contextlib
import gzip
import json
import multiprocessing
import os
import platform
import re
import signal
import time

from mmlab import Kernel, linux
from mmlab.fs.ext4 import ext4_fs_type
from mmlab.linux.machine import disk_directory, sweep

from .compare import first_difference, play, script, shrink, spell
from .known import known
from .programs import kinds, methods, random_program

STATE = {}


def on_processors(wanted=None):
    """Give the processors that this process may use; with `wanted`, let it (and its children) use only those.

    On one, switching between our program and its stub is fastest, and observe.drain reaches what the stub did.
    """
    if wanted and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, wanted)
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else {0}


def start(cpus, names):
    """Boot a worker's real kernel, on one processor."""
    with cpus.get_lock():
        cpus.value += 1
        on_processors({sorted(on_processors())[cpus.value % len(on_processors())]})
    STATE.update(linux=linux.Kernel(), names=names, reported=set())
    same_disk(read_ahead(STATE["linux"]))


def read_ahead(real):
    """How many pages the disk of the real kernel's files reads ahead: /sys/class/bdi/*/read_ahead_kb."""
    device = os.stat(real.root).st_dev
    path = f"/sys/class/bdi/{os.major(device)}:{os.minor(device)}/read_ahead_kb"
    try:
        with open(path) as file:
            return int(file.read()) // 4
    except OSError:
        return 32


def same_disk(pages):
    """Let the simulated disk read ahead as the real one does: that is the device's setting, no kernel's rule."""
    ext4_fs_type.ra_pages = pages


def available(real):
    return kinds(has_ramfs=not real.forbidden)


def difference(program, real):
    """Play a program on both kernels; give the first difference, or None."""
    return first_difference(simulate(program), play(real, program))


class Endless(Exception):
    """The simulation computes and computes."""


@contextlib.contextmanager
def at_most(seconds):
    """Raise Endless if the block takes so much processor time, where the system can tell."""

    def stop(*_):
        raise Endless

    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def simulate(program):
    """Play a program on a simulated kernel of its own, and check its invariants at the end."""
    kernel = Kernel()
    with at_most(2):
        tale = play(kernel, program)
    kernel.check()
    return tale


def failing(program, real):
    """Tell how a program fails: the difference, or what the simulation raised."""
    try:
        return difference(program, real)
    except Exception as error:  # anything the simulation raises that is no OSError and no MemoryFault is a bug of it
        frames, at = [], error.__traceback__
        while at:
            frames.append(f"{os.path.basename(at.tb_frame.f_code.co_filename)}:{at.tb_frame.f_code.co_name}")
            at = at.tb_next
        return -1, f"{type(error).__name__} in {frames[-1]}", str(error)[:300], None


def kind_of(found, program):
    """What shrinking must keep: the method, and what differs."""
    number, what, *_ = found
    step = program["steps"][number][1] if 0 <= number < len(program["steps"]) else ""
    return step, re.sub(r"\b\d+ ?", "", what).strip() if number >= 0 else what


def run(seed):
    """Run one program; give its number, the name of a known difference or a report, or neither."""
    real = STATE["linux"]
    program = random_program(seed, STATE["names"], available(real))
    found = failing(program, real)
    if found is None:
        return seed, None, None, None
    if name := known(program, *found):
        return seed, name, None, None
    kind = kind_of(found, program)
    if kind in STATE["reported"]:
        return seed, None, kind, ""
    STATE["reported"].add(kind)

    def fails(smaller):
        found = failing(smaller, real)
        return found is not None and kind_of(found, smaller) == kind and not known(smaller, *found)

    smallest = shrink(program, fails) if STATE["names"] else program
    return seed, None, kind, report(smallest, real)


def report(program, real):
    """Say what the smallest program is, and show both columns."""
    found = failing(program, real)
    if found is None:
        return script(program) + "\n# differed once, and not when it was played again"
    number, what, here, there = found
    at = spell(program["steps"][number]) if 0 <= number < len(program["steps"]) else "the end"
    lines = [f"# simulated: {here}", f"# {real_name()}: {there}"]
    return "\n".join([script(program), f"# after {at}, {what}:", *lines])


def real_name():
    return f"Linux {platform.release().split('-')[0]}"


def record(path, count, seed, names):
    """Write the real kernel's tales of some programs down, for machines without one."""
    real = linux.Kernel()
    programs = [random_program(seed + n, names, available(real)) for n in range(count)]
    tales = [{"program": program, "tale": shorten(play(real, program))} for program in programs]
    packed = json.dumps(
        {"kernel": real_name(), "ra_pages": read_ahead(real), "tales": tales}, separators=(",", ":")
    ).encode()
    with open(path, "wb") as out:
        out.write(gzip.compress(packed, mtime=0))
    print(f"{count} programs, {os.path.getsize(path) >> 10} kB")


def shorten(tale):
    """Keep of each step only what is new since the step before."""
    return [
        {k: v for k, v in now.items() if then.get(k, tale) != v} | {"": sorted(then.keys() - now.keys())}
        for then, now in zip([{}, *tale], tale, strict=False)
    ]


def lengthen(tale):
    """Undo shorten."""
    seen = {}
    for now in tale:
        seen = {k: v for k, v in (seen | now).items() if k not in now[""] and k}
        yield seen


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--without", action="append", default=[], help="leave a method out")
    parser.add_argument("--only", action="append", default=[], help="use only these methods")
    parser.add_argument("--record", metavar="FILE", help="write the real kernel's tales to a file")
    parser.add_argument("--stop", type=int, default=20, help="stop after so many different differences")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else int.from_bytes(os.urandom(4), "big") << 20
    names = [name for name in methods(options.without) if not options.only or name in options.only]
    print(f"seed {seed}, {options.count} programs on {real_name()}, methods: {' '.join(names)}", flush=True)
    if options.record:
        return record(options.record, options.count, seed, names)
    try:
        return compare(options, seed, names)
    finally:
        sweep(disk_directory())  # workers end without cleaning up


def compare(options, seed, names):
    """Run the programs on all processors; print progress and each kind of difference once. Give 1 if there is any."""
    began, done, tally, reported, shown = time.monotonic(), 0, collections.Counter(), collections.Counter(), set()
    cpus = multiprocessing.Value("i", -1)
    with multiprocessing.get_context("fork").Pool(options.jobs, start, (cpus, names)) as pool:
        for number, name, kind, text in pool.imap_unordered(run, range(seed, seed + options.count), 16):
            done += 1
            if name:
                tally[name] += 1
            if kind:
                reported[kind] += 1
                if text and kind not in shown:
                    shown.add(kind)
                    print(f"\n--- program {number}\n{text}\n", flush=True)
                if len(reported) >= options.stop:
                    break
            if done % 500 == 0:
                print(f"{done} programs, {done / (time.monotonic() - began):.0f} a second", flush=True)
    took = time.monotonic() - began
    print(
        f"{done} programs in {took:.0f} s ({done / took:.0f} a second), {reported.total()} differences {dict(reported)}"
    )
    for name, count in tally.items():
        print(f"known: {name}: {count}")
    return 1 if reported else 0
