"""What holds for every test: each kernel that a test makes is whole when the test ends."""

import functools
from collections.abc import Iterator
from typing import Any

import pytest

from mmlab import Kernel


@pytest.fixture(autouse=True)
def every_kernel_is_checked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    made: list[Kernel] = []
    init = Kernel.__init__

    @functools.wraps(init)
    def remembered(self: Kernel, *args: Any, **options: Any) -> None:
        init(self, *args, **options)
        made.append(self)

    monkeypatch.setattr(Kernel, "__init__", remembered)
    yield
    for kernel in made:
        kernel.check()
