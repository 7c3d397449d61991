"""The real kernel, for tests that ask it too."""

import contextlib
from collections.abc import Iterator

import pytest

from mmlab import linux


@contextlib.contextmanager
def linux_kernel() -> Iterator[linux.Kernel]:
    """Give the kernel of this machine; skip the test where it can't be driven."""
    try:
        kernel = linux.Kernel()
    except linux.Unavailable as reason:
        pytest.skip(str(reason))
    with kernel:
        yield kernel
