"""The bytes of a page: include/linux/highmem.h."""

from __future__ import annotations

from .mm_types import page
from .mman import PAGE_SIZE


def page_bytes(page: page, start: int, end: int) -> bytes:
    """Give bytes start … end−1 of the page."""
    return bytes(page.data[start:end]) if page.data is not None else bytes(end - start)


def write_page_bytes(page: page, start: int, data: bytes) -> None:
    """Put `data` into the page at byte `start`; a page gets bytes of its own when it is first written to."""
    if not isinstance(page.data, bytearray):
        page.data = bytearray(page.data or PAGE_SIZE)
    page.data[start : start + len(data)] = data
