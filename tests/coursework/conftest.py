"""The fixtures of the tests of the coursework."""

import sys
from collections.abc import Iterator

import pytest

from mmlab import Kernel, linux
from mmlab.coursework.sandbox import Nursery

if sys.platform != "linux":
    collect_ignore_glob = ["test_*.py"]  # the sandbox needs Linux


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
def real() -> Iterator[linux.Kernel]:
    try:
        kernel = linux.Kernel()
    except linux.Unavailable as reason:
        pytest.skip(str(reason))
    with kernel:
        yield kernel
