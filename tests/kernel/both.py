"""A test that takes `machine` or `program` runs on the simulated kernel, and on the real one where there is one."""

import contextlib
import platform
import re

import pytest

import mmlab
from tests.real import linux_kernel

OLDEST = (6, 18)  # until then a seal, or the mapping of a pipe, was refused for another reason


@pytest.fixture(scope="session")
def real():
    if tuple(map(int, re.findall(r"\d+", platform.release())[:2])) < OLDEST:
        pytest.skip(f"the simulation follows Linux {OLDEST[0]}.{OLDEST[1]} and newer")
    with linux_kernel() as kernel:
        yield kernel


@pytest.fixture(params=["simulated", "real"])
def machine(request):
    return mmlab.Kernel() if request.param == "simulated" else request.getfixturevalue("real")


@pytest.fixture
def program(machine):
    process = machine.spawn("reader")
    yield process
    process.exit()


def errno_of(call, *arguments):
    """The errno of a call that must fail."""
    with pytest.raises(OSError) as raised:
        call(*arguments)
    return raised.value.errno


def anew(program, path, flags):
    """Open a new file: on the real machine that of an earlier test is there still."""
    with contextlib.suppress(FileNotFoundError):
        program.unlink(path)
    return program.open(path, flags)
