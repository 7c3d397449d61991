"""The fixtures of the tests of the coursework."""

import sys
from collections.abc import Iterator

import pytest

from mmlab.coursework.sandbox import Nursery

if sys.platform != "linux":
    collect_ignore_glob = ["test_*.py"]  # the sandbox needs Linux


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery
