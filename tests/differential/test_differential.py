"""What if random programs ran on both kernels? Any difference that a program could see is a bug of the simulation."""

import gzip
import json
import os
import platform
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from mmlab import Kernel, linux
from mmlab.fs import task_mmu
from mmlab.fs.ext4 import ext4_fs_type
from mmlab.include.mm import FAULT_FLAG_WRITE
from mmlab.mm import filemap, memory, mmap, mprotect, truncate, vma

from .compare import first_difference, play, script, shrink
from .known import known
from .programs import METHODS, methods, random_program, strategy
from .runner import available, failing, lengthen, on_processors, read_ahead, report, same_disk, simulate

HERE = Path(__file__).parent
RECORDED = HERE / "recorded.json.gz"
OLDEST = (6, 18)  # which kernel the simulation follows where kernels differ
COUNT = int(os.environ.get("MMLAB_DIFFERENTIAL", 2000))
FRESH = int(os.environ.get("MMLAB_SEED", random.randrange(1 << 20)))
PROCESSORS = on_processors()


@pytest.fixture(autouse=True)
def every_kernel_is_checked():
    """Leave that to simulate(): some machines are broken here on purpose."""


@pytest.fixture(scope="module")
def real():
    """The real kernel; the test is skipped where there is none, or too old a one."""
    on_processors({min(PROCESSORS)})
    try:
        kernel = linux.Kernel()
    except linux.Unavailable as reason:
        pytest.skip(str(reason))
    if tuple(map(int, re.findall(r"\d+", platform.release())[:2])) < OLDEST:
        kernel.close()
        pytest.skip("the simulation follows Linux 6.18 and newer")
    usual = ext4_fs_type.ra_pages
    same_disk(read_ahead(kernel))
    with kernel:
        yield kernel
    same_disk(usual)
    on_processors(PROCESSORS)


@pytest.mark.parametrize("seed", [2, pytest.param(FRESH, id="fresh")])
def test_what_if_random_programs_ran_on_both_kernels(real, seed, capsys):
    command = [sys.executable, "-m", "tests.differential", str(COUNT), "--seed", str(seed << 20)]
    on_all = {"cwd": HERE.parents[1], "preexec_fn": lambda: on_processors(PROCESSORS)}
    done = subprocess.run(command, capture_output=True, text=True, **on_all)
    with capsys.disabled():
        print(f"[{COUNT} programs, MMLAB_SEED={seed}] ", end="", flush=True)
    assert done.returncode == 0, f"again with MMLAB_SEED={seed}\n{done.stdout}{done.stderr}"


def test_what_if_hypothesis_looks_for_the_smallest_program(real):
    @settings(
        max_examples=max(COUNT // 20, 20), deadline=None, database=None, report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy(methods(), available(real)))
    def same(program):
        found = failing(program, real)
        assert found is None or known(program, *found), "\n" + report(program, real)

    same()


def test_what_if_the_recorded_programs_ran_on_the_simulation(monkeypatch):
    recorded = json.loads(gzip.decompress(RECORDED.read_bytes()))
    monkeypatch.setattr(ext4_fs_type, "ra_pages", recorded["ra_pages"])
    for entry in recorded["tales"]:
        program = entry["program"]
        found = first_difference(json.loads(json.dumps(simulate(program))), list(lengthen(entry["tale"])))
        assert found is None or known(program, *found), f"{script(program)}\nsimulated, {recorded['kernel']}: {found}"


def test_what_if_the_simulation_had_no_fault_around(real):
    def fails(program):
        return first_difference(play(Kernel(fault_around_bytes=4096), program), play(real, program)) is not None

    programs = (random_program(seed, methods(["fork"]), available(real)) for seed in range(100))
    smallest = shrink(next(filter(fails, programs)), fails)
    assert [step[1] for step in smallest["steps"]] in (
        ["mmap"],  # of a mapping that populates itself
        ["mmap", "load"],
        ["mmap", "pwrite", "load"],  # of a file that was empty
    ), script(smallest)


# ── does the net catch what it is there for? ────────────────────────────────────────────────────────────────

do_anonymous_page, last_page = memory.do_anonymous_page, filemap.last_page


def anonymous_page_for_a_load(vma, address, table, flags):
    return do_anonymous_page(vma, address, table, flags | FAULT_FLAG_WRITE)


def page_for_all(vma, address, table, old_page):
    return memory.wp_page_reuse(vma, address, table, table[memory.pte_index(address)])


MISSING = {  # a rule of Linux → where to put what does without it
    "the zero page": [(memory, "do_anonymous_page", anonymous_page_for_a_load)],
    "copy on write": [(memory, "wp_page_copy", page_for_all)],
    "merging": [(module, "vma_merge", lambda *_: None) for module in (mmap, vma)],
    "SIGBUS past the file's end": [(filemap, "last_page", lambda mapping: last_page(mapping) + 1)],
    "Pss": [(task_mmu, "page_mapcount", lambda _: 1)],
    "zeroing what a truncate cuts": [(truncate, "write_page_bytes", lambda *_: None)],
    "promises of memory": [(mprotect, "VM_ACCOUNT", 0)],
}


@pytest.fixture(scope="module")
def tales(real):
    """Some programs, and what Linux showed of them."""
    programs = [random_program(seed, methods(), available(real)) for seed in range(120)]
    return [(program, play(real, program)) for program in programs]


def noticing(tales):
    """Give the programs that the simulation plays differently now, or cannot play."""
    for program, tale in tales:
        try:
            differs = first_difference(play(Kernel(), program), tale) is not None
        except Exception:  # a machine with a rule missing may break
            differs = True
        if differs:
            yield program


def test_what_if_no_rule_is_missing(tales):
    assert not list(noticing(tales))


@pytest.mark.parametrize("rule", MISSING)
def test_what_if_a_rule_is_missing(rule, tales, monkeypatch):
    for module, name, mutant in MISSING[rule]:
        monkeypatch.setattr(module, name, mutant)
    assert next(noticing(tales), None), f"none of {len(tales)} programs notices"


def test_what_if_hypothesis_meets_a_missing_rule(real, monkeypatch):
    monkeypatch.setattr(task_mmu, "page_mapcount", lambda _: 1)

    def fails(program):
        return first_difference(play(Kernel(), program), play(real, program)) is not None

    names = ["mmap", "load", "store", "munmap", "mprotect", "fork", "exit"]
    options = settings(
        max_examples=500, deadline=None, database=None, derandomize=True, phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    smallest = shrink(find(strategy(names, ["disk", "tmpfs"]), fails, settings=options), fails)
    assert len(smallest["steps"]) <= 3, script(smallest)


def test_what_if_a_program_ran_twice_on_the_real_kernel(real):
    for seed in range(40):
        program = random_program(seed, methods(), available(real))
        assert first_difference(play(real, program), play(real, program)) is None


def test_what_if_nobody_looked_at_contents(real):
    """Then a program sees the same: looking disturbs nothing."""
    for seed in range(40):
        program = random_program(seed, methods(), available(real)) | {"look": "contents"}
        looked_at, alone = play(real, program), play(real, {**program, "look": "nothing"})
        for seen in looked_at:
            for what in [what for what in seen if what.endswith("contents") and what[0].isdigit()]:
                del seen[what]
        assert first_difference(looked_at, alone) is None


def test_each_method_takes_part():
    missing = {name for name in METHODS if not hasattr(linux.Process, name)}
    assert not missing
