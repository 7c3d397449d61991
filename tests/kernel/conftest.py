"""A machine, and a process on it."""

import pytest

from mmlab import Kernel


@pytest.fixture
def kernel():
    return Kernel()


@pytest.fixture
def proc(kernel):
    return kernel.spawn("reader")
