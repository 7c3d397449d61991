"""May so much memory be promised? mm/util.c (until 4.6: mm/mmap.c)."""

from __future__ import annotations

from errno import ENOMEM

from ..include.errors import failure
from ..include.mmzone import OVERCOMMIT_ALWAYS, OVERCOMMIT_GUESS, machine

OVERCOMMIT_RATIO = 50  # percent of memory that overcommit_memory=2 lets programs be promised


def vm_commit_limit(machine: machine) -> int:
    """Say how many pages may be promised under overcommit_memory=2: mm/util.c:vm_commit_limit (v4.4)."""
    return machine.totalram_pages * OVERCOMMIT_RATIO // 100


def vm_enough_memory(machine: machine, pages: int, replaced: int = 0) -> None:
    """Promise `pages` of memory, or fail with ENOMEM: mm/mmap.c:__vm_enough_memory (v4.4).

    0 (guess) refuses only what is larger than all memory (so since 5.2); 1 refuses nothing; 2 keeps the sum of all
    promises below the commit limit, with something kept back for root (3.9), and for a user to clean up with beside
    the large process. `replaced` pages are about to be given back, and do not count.
    """
    mode, more = machine.sysctl_overcommit_memory, pages - replaced
    if mode == OVERCOMMIT_GUESS and more > machine.totalram_pages:
        raise failure(ENOMEM, "__vm_enough_memory", f"{more} pages is more than all memory ({machine.totalram_pages})")
    if mode > OVERCOMMIT_ALWAYS and (more or not replaced):
        allowed = vm_commit_limit(machine) - min(machine.current.mm.total_vm // 32, machine.user_reserve_pages)
        if machine.current.uid != 0:
            allowed -= machine.admin_reserve_pages
        if machine.vm_committed_as + more >= allowed:
            check = f"Committed_AS {machine.vm_committed_as} + {more} pages reaches the {allowed} allowed"
            raise failure(ENOMEM, "__vm_enough_memory", check)
    machine.vm_committed_as += pages


def vm_unacct_memory(machine: machine, pages: int) -> None:
    """Take a promise of `pages` back: include/linux/mman.h:vm_unacct_memory (v4.4)."""
    machine.vm_committed_as -= pages
