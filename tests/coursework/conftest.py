"""The fixtures of the tests of the coursework."""

import sys
from collections.abc import Iterator

import pytest

from mmlab import Kernel, linux
from mmlab.coursework.sandbox import Nursery
from tests.real import linux_kernel

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
    with linux_kernel() as kernel:
        yield kernel
