"""What is in a page table entry: arch/x86/include/asm/pgtable_types.h.

A PTE is one 64-bit number. The CPU reads the low bits at every access; the kernel puts the frame in the middle:

     63   51                  12       8   6   5        2   1   0
    ┌──┬─────┬─────────────────┬────┬───┬───┬───┬─────┬───┬───┬───┐
    │NX│     │ pfn             │    │ N │ D │ A │     │ U │ W │ P │
    └──┴─────┴─────────────────┴────┴───┴───┴───┴─────┴───┴───┴───┘
    P present   W writable   U user   A accessed   D dirty   N PROT_NONE   NX no execute

Real x86-64 walks four levels; here a dict, keyed by address >> 21, stands for the upper three, and the last level
is what it is in the kernel: tables of 512 entries, each table covering 2 MiB.
"""

from __future__ import annotations

from .mman import PAGE_SHIFT

_PAGE_PRESENT = 1 << 0
_PAGE_RW = 1 << 1
_PAGE_USER = 1 << 2
_PAGE_ACCESSED = 1 << 5
_PAGE_DIRTY = 1 << 6
_PAGE_PROTNONE = 1 << 8
_PAGE_NX = 1 << 63

PTRS_PER_PTE = 512
_PTE_INDEX_MASK = PTRS_PER_PTE - 1
PMD_SHIFT = PAGE_SHIFT + 9
PMD_SIZE = 1 << PMD_SHIFT
_PFN_MASK = (1 << 52) - (1 << PAGE_SHIFT)

# mm/mmap.c:protection_map: private writable pages start read-only, so that the first write can copy
PAGE_NONE = _PAGE_PROTNONE
PAGE_READONLY = _PAGE_PRESENT | _PAGE_USER | _PAGE_NX
PAGE_READONLY_EXEC = _PAGE_PRESENT | _PAGE_USER
PAGE_SHARED = PAGE_READONLY | _PAGE_RW
PAGE_SHARED_EXEC = PAGE_READONLY_EXEC | _PAGE_RW


class pte_table(list[int]):
    """The 512 entries of one last-level page table; `start` is the address (bytes) of the first."""

    __slots__ = ("start",)

    def __init__(self, start: int) -> None:
        super().__init__([0] * PTRS_PER_PTE)
        self.start = start


class pgd_t(dict[int, pte_table]):
    """The page tables of one address space: address >> PMD_SHIFT → pte_table."""

    __slots__ = ()


def pte_index(address: int) -> int:
    """Say which of the 512 entries of its table describes `address`."""
    return address >> PAGE_SHIFT & _PTE_INDEX_MASK


def pfn_pte(pfn: int, prot: int) -> int:
    """Make an entry that maps frame `pfn` with protection bits `prot`."""
    return pfn << PAGE_SHIFT | prot


def pte_pfn(pte: int) -> int:
    """Say which frame an entry maps."""
    return (pte & _PFN_MASK) >> PAGE_SHIFT


def pte_present(pte: int) -> bool:
    """Tell whether the entry maps a frame (a PROT_NONE one does, although the CPU may not use it)."""
    return bool(pte & (_PAGE_PRESENT | _PAGE_PROTNONE))


def pte_modify(pte: int, prot: int) -> int:
    """Give an entry other protection bits; the frame and what the CPU has noted stay."""
    return pte & (_PFN_MASK | _PAGE_ACCESSED | _PAGE_DIRTY) | prot


def pte_none(pte: int) -> bool:
    """Tell whether the entry is empty."""
    return pte == 0


def pte_write(pte: int) -> bool:
    """Tell whether the CPU may store through the entry."""
    return bool(pte & _PAGE_RW)


def pte_dirty(pte: int) -> bool:
    """Tell whether the CPU has stored through the entry."""
    return bool(pte & _PAGE_DIRTY)


def pte_perms(pte: int) -> str:
    """Spell an entry's permissions as /proc/PID/maps would.

    >>> pte_perms(PAGE_SHARED), pte_perms(PAGE_NONE)
    ('rw-', '---')
    """
    if not pte & _PAGE_PRESENT:
        return "---"
    return "r" + ("w" if pte & _PAGE_RW else "-") + ("-" if pte & _PAGE_NX else "x")


def pte_offset(pgd: pgd_t, address: int) -> tuple[pte_table | None, int]:
    """Walk to the entry of `address`: its table (None if there is none) and its index in the table."""
    return pgd.get(address >> PMD_SHIFT), address >> PAGE_SHIFT & _PTE_INDEX_MASK
