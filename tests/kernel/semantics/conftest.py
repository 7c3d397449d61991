"""Each test of this folder runs on the simulated kernel and on the real one; the second only where there is Linux."""

import contextlib
import platform
import re

import pytest

import mmlab
from mmlab import linux
from tests.kernel.helpers import MEMORY, RW, map_at

OLDEST = (6, 12)  # which kernel the simulation follows where kernels differ
SCRATCH = 511  # a page of the arena that is always there, so that the arena has a page table


@pytest.fixture(params=["simulated", "linux"])
def kernel(request):
    if request.param == "simulated":
        yield mmlab.Kernel()
        return
    try:
        kernel = linux.Kernel()
    except linux.Unavailable as reason:
        pytest.skip(str(reason))
    with kernel:
        if tuple(map(int, re.findall(r"\d+", platform.release())[:2])) < OLDEST:
            pytest.skip("the simulation follows Linux 6.12 and newer")
        yield kernel


@pytest.fixture
def proc(kernel):
    with_page_table = kernel.spawn("program")
    map_at(with_page_table, SCRATCH, 1, RW, MEMORY)
    with_page_table.store(0x10000000000 + SCRATCH * 4096, b"#")
    yield with_page_table
    with contextlib.suppress(ProcessLookupError):
        with_page_table.exit()
