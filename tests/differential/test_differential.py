"""What if random programs ran on both kernels? Any difference that a program could see is a bug of the simulation."""

import gzip
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from mmlab import Kernel, linux
from mmlab.fs.ext4 import ext4_fs_type

from .compare import first_difference, play, shrink, spell
from .known import known
from .programs import METHODS, kinds, methods, random_program, strategy
from .runner import available, failing, lengthen, read_ahead, report, same_disk, simulate

HERE = Path(__file__).parent
RECORDED = HERE / "recorded.json.gz"
OLDEST = (6, 12)  # which kernel the simulation follows where kernels differ
COUNT = int(os.environ.get("MMLAB_DIFFERENTIAL", 1000))
SEED = int(os.environ.get("MMLAB_SEED", 2))
NOT_YET = ["ftruncate", "fallocate", "madvise", "mlock", "munlock", "mremap"]  # with these, 1 program in 500 differs


@pytest.fixture(scope="module")
def real():
    """The real kernel; the test is skipped where there is none, or too old a one."""
    try:
        kernel = linux.Kernel()
    except linux.Unavailable as reason:
        pytest.skip(str(reason))
    if tuple(map(int, re.findall(r"\d+", platform.release())[:2])) < OLDEST:
        pytest.skip("the simulation follows Linux 6.12 and newer")
    usual = ext4_fs_type.ra_pages
    same_disk(read_ahead(kernel))
    with kernel:
        yield kernel
    same_disk(usual)


def test_what_if_random_programs_ran_on_both_kernels(real):
    without = [word for name in NOT_YET for word in ("--without", name)]
    command = [sys.executable, "-m", "tests.differential", str(COUNT), "--seed", str(SEED << 20), *without]
    done = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_if_hypothesis_looks_for_the_smallest_program(real):
    @settings(
        max_examples=max(COUNT // 20, 20), deadline=None, database=None, derandomize=True, report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy([name for name in methods() if name not in NOT_YET], available(real)))
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
        assert found is None or known(program, *found), f"{program}\nsimulated, {recorded['kernel']}: {found}"


def test_what_if_the_simulation_had_no_fault_around(real):
    def fails(program):
        return first_difference(play(Kernel(fault_around_bytes=4096), program), play(real, program)) is not None

    programs = (random_program(seed, methods(), kinds(False)) for seed in range(100))
    smallest = shrink(next(filter(fails, programs)), fails)
    assert [spell(step).split(".")[1].split("(")[0] for step in smallest["steps"]] in (
        ["mmap", "load"],
        ["mmap"],
    ), smallest


def test_what_if_a_program_ran_twice_on_the_real_kernel(real):
    for seed in range(40):
        program = random_program(seed, methods(), available(real))
        assert first_difference(play(real, program), play(real, program)) is None


def test_each_method_takes_part():
    missing = {name for name in METHODS if not hasattr(linux.Process, name)}
    assert not missing
