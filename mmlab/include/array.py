"""The arrays and small tables inside the kernel's objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class array(dict[K, V]):
    """An array of the kernel: number or name → entry; `name` says whose it is. A trace records what changes in it."""

    __slots__ = ("name",)

    def __init__(self, name: str, entries: Iterable[tuple[K, V]] = ()) -> None:
        super().__init__(entries)
        self.name = name
