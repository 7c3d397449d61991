"""Frames of memory: mm/page_alloc.c and put_page of mm/swap.c (v4.4)."""

from __future__ import annotations

from ..include.mm_types import page
from ..include.mmzone import NR_FREE_PAGES, machine


def alloc_page(machine: machine) -> page | None:
    """Take a free frame, holding one reference; its contents read as zeros. None when memory is used up.

    mm/page_alloc.c:__alloc_pages_nodemask (v4.4). The frame freed last is used first.
    """
    if machine.free_pfns:
        frame = machine.mem_map[machine.free_pfns.pop()]
    elif len(machine.mem_map) < machine.totalram_pages:
        frame = page(machine, len(machine.mem_map))
        machine.mem_map.append(frame)
    else:
        return None
    frame._count = 1
    machine.vm_stat[NR_FREE_PAGES] -= 1
    return frame


def get_page(page: page) -> None:
    """Take one more reference: include/linux/mm.h:get_page (v4.4)."""
    page._count += 1


def put_page(page: page) -> None:
    """Give a reference back; the last one frees the frame: mm/swap.c:put_page (v4.4)."""
    page._count -= 1
    if page._count == 0:
        free_page(page)


def free_page(page: page) -> None:
    """Make the frame free: mm/page_alloc.c:free_hot_cold_page (v4.4)."""
    page.flags = 0
    page.mapping = page.data = None
    machine = page.machine
    machine.free_pfns.append(page.pfn)
    machine.vm_stat[NR_FREE_PAGES] += 1
