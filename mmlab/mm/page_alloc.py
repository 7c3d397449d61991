"""Frames of memory: mm/page_alloc.c and put_page of mm/swap.c (v4.4)."""

from __future__ import annotations

from ..include.mm_inline import del_page_from_lru_list
from ..include.mm_types import PG_lru, page
from ..include.mmzone import __GFP_NORETRY, GFP_KERNEL, NR_FREE_PAGES, machine

MAX_RECLAIM_RETRIES = 16  # passes over the lists that free nothing, before a process must go


def alloc_page(machine: machine, gfp: int = GFP_KERNEL) -> page | None:
    """Take a free frame, holding one reference; its contents read as zeros.

    mm/page_alloc.c:__alloc_pages_nodemask (v4.4). The frame freed last is used first. When memory is used up, None with
    __GFP_NORETRY; otherwise a process is killed, and OutOfMemory raised if it is this one.
    """
    if machine.free_pfns:
        frame = machine.mem_map[machine.free_pfns.pop()]
    elif len(machine.mem_map) < machine.totalram_pages:
        frame = page(machine, len(machine.mem_map))
        machine.mem_map.append(frame)
    else:
        return __alloc_pages_slowpath(machine, gfp)
    frame._count = 1
    machine.vm_stat[NR_FREE_PAGES] -= 1
    return frame


def __alloc_pages_slowpath(machine: machine, gfp: int) -> page | None:
    """Take pages back that can be read again; if there are none, kill processes until a frame is free: v4.4, same name.

    The retries are those of 4.7, should_reclaim_retry: each pass finds fewer pages that were used since the last.
    """
    no_progress_loops = 0
    while not machine.free_pfns:
        if machine.try_to_free_pages(machine):
            no_progress_loops = 0
        elif gfp & __GFP_NORETRY:
            return None
        elif no_progress_loops < MAX_RECLAIM_RETRIES:
            no_progress_loops += 1
        else:
            machine.out_of_memory(machine)
    return alloc_page(machine, gfp)


def get_page(page: page) -> None:
    """Take one more reference: include/linux/mm.h:get_page (v4.4)."""
    page._count += 1


def put_page(page: page) -> None:
    """Give a reference back; the last one frees the frame: mm/swap.c:put_page (v4.4)."""
    page._count -= 1
    if page._count == 0:
        free_page(page)


def free_page(page: page) -> None:
    """Make the frame free: mm/page_alloc.c:free_hot_cold_page, mm/swap.c:__page_cache_release (v4.4)."""
    if page.flags & PG_lru:
        del_page_from_lru_list(page)
    page.flags = 0
    page.mapping = page.data = None
    machine = page.machine
    machine.free_pfns.append(page.pfn)
    machine.vm_stat[NR_FREE_PAGES] += 1
