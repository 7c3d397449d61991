"""/proc/sys/vm/drop_caches: forget what the disk can give again: fs/drop_caches.c (v4.4)."""

from __future__ import annotations

from ..include.fs import address_space, dentry
from ..include.mmzone import machine
from ..mm.truncate import invalidate_mapping_pages


def drop_pagecache(machine: machine) -> int:
    """Drop the clean, unmapped pages of every file that has a disk; give how many: fs/drop_caches.c (v4.4)."""
    mappings: dict[address_space, None] = dict.fromkeys(machine.block_devices)
    todo: list[dentry] = [machine.root]
    while todo:
        at = todo.pop()
        mappings[at.d_inode.i_mapping] = None
        todo.extend(at.d_children.values())
    return sum(invalidate_mapping_pages(mapping) for mapping in mappings if mapping.a_ops.writepage)
