"""Memory for the kernel's own objects: mm/slab.c, mm/failslab.c (v4.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..include.mm_types import anon_vma, vm_area_struct
from ..include.mmzone import machine


@dataclass(frozen=True, slots=True)
class kmem_cache:
    """A supply of objects of one kind; `ctor(number)` makes one."""

    name: str
    ctor: Callable[[int], Any]
    kind: str


vm_area_cachep = kmem_cache("vm_area_struct", vm_area_struct, "vma")
anon_vma_cachep = kmem_cache("anon_vma", anon_vma, "anon_vma")


def should_failslab(machine: machine) -> bool:
    """Tell whether this allocation is to fail, as a test asked: mm/failslab.c:should_failslab (v4.4)."""
    if machine.fail_nth:
        machine.fail_nth -= 1
        return machine.fail_nth == 0
    return False


def kmem_cache_zalloc(cachep: kmem_cache, machine: machine) -> Any:
    """Make an object, every field zero; None if the allocation fails: include/linux/slab.h:kmem_cache_zalloc (v4.4)."""
    if should_failslab(machine):
        return None
    machine.slabinfo[cachep.name] += 1
    return cachep.ctor(machine.serial(cachep.kind))


def kmem_cache_free(cachep: kmem_cache, machine: machine, obj: Any) -> None:
    """Give an object back: mm/slab.c:kmem_cache_free (v4.4). Python frees the memory when nothing refers to it."""
    machine.slabinfo[cachep.name] -= 1
