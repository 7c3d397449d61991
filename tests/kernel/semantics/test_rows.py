"""Which test holds each rule of Linux that this project knows to matter; the rest of this folder is named by section.

A rule is tested here on both kernels, or elsewhere where only the simulated one can be looked into.
"""

import re
from pathlib import Path

import pytest

KERNEL = Path(__file__).parents[1]
ROWS = {
    "mmap: the errno of each wrong argument": "test_mmap_errno.py:test_what_if_an_argument_is_wrong",
    "mmap: the same on the real kernel": "test_linux.py:test_what_if_the_program_ran_on_linux",
    "mmap: 65,531 VMAs fit": "test_mmap_errno.py:test_what_if_there_are_too_many_vmas",
    "mmap: PROT_EXEC on a noexec mount": "semantics/test_mmap_arguments.py:test_what_if_code_is_on_a_noexec_mount",
    "mmap: hints": "test_mmap_errno.py:test_what_if_there_is_a_hint",
    "-ENOEXEC without readpage": "test_mmap_region.py:test_what_if_a_step_fails",
    "-ENOEXEC, though the page is cached":
        "test_mmap_region.py:test_what_if_the_file_system_has_no_readpage_but_the_page_is_cached",
    "each label, before the old maps go": "test_mmap_region.py:test_what_if_a_step_fails_before_the_old_maps_go",
    "each label, after the old maps went": "test_mmap_region.py:test_what_if_a_step_fails_after_the_old_maps_went",
    "deny_write_access: ETXTBSY":
        "test_mmap_region.py:test_what_if_a_file_that_is_being_written_is_to_be_denied_writers",
    "deny_write_access: the label":
        "test_mmap_region.py:test_what_if_the_driver_refuses_a_file_that_denied_writers",
    "deny_write_access: as long as it is mapped":
        "test_mmap_region.py:test_what_if_a_file_denies_writers_as_long_as_it_is_mapped",
    "unmap_and_free_vma":
        "test_mmap_region.py:test_what_if_the_driver_fails_when_pages_are_mapped_already",
    "i_mmap_writable": "semantics/test_rooms.py:test_what_if_shared_mappings_come_and_go",
    "i_mmap_writable: the temporary count": "test_trace.py:test_what_if_the_changes_are_read",
    "vm_ops identity": "semantics/test_rooms.py:test_what_if_one_asks_whose_vm_ops_a_vma_has",
    "vm_ops of ramfs, function by function": "test_mmap_region.py:test_what_if_ramfs_is_asked",
    "the order of calls, a shared file": "test_trace.py:test_what_if_a_shared_file_is_mapped",
    "the order of calls, memory": "semantics/test_rooms.py:test_what_if_one_follows_the_calls",
    "the order of calls, a shared store": "test_fault.py:test_what_if_a_shared_store_comes_first",
    "vm_ops->close is never merged away":
        "semantics/test_rooms.py:test_what_if_a_vma_whose_end_is_told_meets_its_continuation",
    "fault-around, fault_around_bytes": "test_fault.py:test_what_if_fault_around_bytes_is_set",
    "a cold page is major, with read-ahead": "test_fault.py:test_what_if_the_file_is_cold",
    "neighbours that merge, in both orders": "test_maps.py:test_what_if_neighbours_meet",
    "borrowing an anon_vma": "test_maps.py:test_what_if_neighbours_could_merge_but_for_their_protection",
    "truncation, from a page before the VMA":
        "test_fault.py:test_what_if_the_file_is_truncated_from_a_page_that_lies_before_the_vma",
    "Dirty rises for ext4 only": "test_accounting.py:test_what_if_a_shared_page_is_dirtied",
    "(c) the block device reads as 0": "test_accounting.py:test_what_if_a_copy_is_sized_by_fstat",
    "(c) with its length it maps, in Buffers": "test_accounting.py:test_what_if_the_length_of_the_disk_is_known",
    "(a) a second program maps hardly more": "test_accounting.py:test_what_if_a_second_process_starts",
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_the_test_of_the_row_is_there(row):
    file, _, test = ROWS[row].partition(":")
    assert re.search(rf"^def {test}\(", (KERNEL / file).read_text(), re.MULTILINE)
