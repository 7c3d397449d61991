"""Texts of /proc that are also values."""

from __future__ import annotations

from collections.abc import Mapping


class TextReport(str):
    """A text of /proc: prints as itself, also where a notebook shows a value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self).rstrip("\n")


class CountReport(dict[str, int]):
    """Counts by name; str() is the text of the /proc file they come from."""

    __slots__ = ("text",)

    def __init__(self, counts: Mapping[str, int], text: str) -> None:
        super().__init__(counts)
        self.text = text

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text.rstrip("\n")

    def __sub__(self, earlier: Mapping[str, int]) -> dict[str, int]:
        """Give what has changed since `earlier`: name → difference, without those that stayed."""
        return {name: count - earlier[name] for name, count in self.items() if count != earlier[name]}
