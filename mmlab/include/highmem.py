"""The bytes of a page: include/linux/highmem.h."""

from __future__ import annotations

from .mm_types import page


def page_bytes(page: page, start: int, end: int) -> bytes:
    """Give bytes start … end−1 of the page; what lies past the end of its `data` reads as zeros."""
    held = page.data
    return bytes(end - start) if held is None else bytes(held[start:end]).ljust(end - start, b"\0")


def write_page_bytes(page: page, start: int, data: bytes) -> None:
    """Put `data` into the page at byte `start`; a page gets bytes of its own when it is first written to."""
    held = page.data
    if not isinstance(held, bytearray):
        held = page.data = bytearray(held or b"")
    if len(held) < start:
        held.extend(bytes(start - len(held)))
    held[start : start + len(data)] = data
