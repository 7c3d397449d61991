"""What if a file's pages are drawn: mapped by nobody, by many, dirty, stale, past the end, without a disk?"""

import pytest

from mmlab import MAP_PRIVATE, MAP_SHARED, MS_SYNC, O_CREAT, O_RDWR, PAGE_SIZE, PROT_READ, PROT_WRITE, Kernel
from mmlab.views import page_cache

from .seen import is_well_drawn, the_twin_says_the_same, written

BOOK, RW = "/data/book.txt", PROT_READ | PROT_WRITE


@pytest.fixture
def kernel():
    return Kernel()


def mapper(kernel, flags=MAP_SHARED, pages=5, offset=0, path=BOOK):
    proc = kernel.spawn("A")
    fd = proc.open(path, O_RDWR | O_CREAT)
    return proc, fd, proc.mmap(0, pages * PAGE_SIZE, RW, flags, fd, offset)


def rows(picture):
    """The twin's rows, by page; each is what stands in its columns."""
    is_well_drawn(picture)
    the_twin_says_the_same(picture, beside=None)
    table = [line.split() for line in picture.text.splitlines()[2:]]
    return {int(first): rest for first, *rest in table if first.isdigit()}


def test_nothing_is_in_memory_and_nobody_maps_it(kernel):
    assert rows(page_cache(kernel, BOOK)) == {n: ["not", "in", "memory", f"'page{n}'"] for n in range(5)}


def test_a_store_is_dirty_in_the_pte_and_in_the_page_until_it_is_written(kernel):
    proc, _, addr = mapper(kernel)
    proc.store(addr, b"HELLO")
    assert rows(page_cache(kernel, BOOK))[0][:2] == ["rw-", "AD"]
    assert rows(page_cache(kernel, BOOK))[0][3:] == ["'HELLO'", "dirty", "≠", "'page0'"]
    proc.msync(addr, PAGE_SIZE, MS_SYNC)
    assert rows(page_cache(kernel, BOOK))[0][:2] == ["r--", "A"]
    assert rows(page_cache(kernel, BOOK))[0][3:] == ["'HELLO'", "'HELLO'"]


def test_a_private_copy_is_told_from_the_page_of_the_file(kernel):
    proc, _, addr = mapper(kernel, MAP_PRIVATE)
    proc.store(addr, b"mine.")
    row = rows(page_cache(kernel, BOOK))[0]
    assert row[:4] == ["rw-", "AD", "copy", "'mine.'"]
    assert row[5:] == ["'page0'", "'page0'"]


def test_what_a_mapping_does_not_reach_is_blank_and_past_the_end_is_an_error(kernel):
    mapper(kernel, pages=6, offset=2 * PAGE_SIZE)
    found = rows(page_cache(kernel, BOOK))
    assert found[1] == ["not", "in", "memory", "'page1'"]
    assert found[2][:2] == ["no", "PTE"]
    assert found[7] == ["SIGBUS", "past", "the", "file's", "end"]


def test_bytes_past_the_end_of_the_last_page_are_told(kernel):
    proc, fd, addr = mapper(kernel)
    proc.store(addr + proc.fstat(fd).st_size, b"secret")
    picture = page_cache(kernel, BOOK)
    assert picture.text.splitlines()[-1] == "past the end of the file, in its last page: 'secret'"
    assert picture.text.splitlines()[-1] in written(picture)


def test_a_file_without_a_disk_says_so(kernel):
    proc, fd, addr = mapper(kernel, path="/dev/shm/notes", pages=1)
    proc.ftruncate(fd, PAGE_SIZE)
    proc.load(addr)
    assert rows(page_cache(kernel, "/dev/shm/notes"))[0][-3:] == ["zeros", "no", "disk"]


def test_a_deleted_file_is_found_by_the_name_that_maps_has(kernel):
    proc, _, addr = mapper(kernel)
    proc.load(addr)
    proc.unlink(BOOK)
    assert len(rows(page_cache(kernel, f"{BOOK} (deleted)"))) == 5
    with pytest.raises(FileNotFoundError):
        page_cache(kernel, BOOK)


def test_more_mappings_than_there_is_room_for_are_counted(kernel):
    for _ in range(5):
        mapper(kernel)
    picture = page_cache(kernel, BOOK)
    rows(picture)
    assert picture.text.endswith("… and 2 more mappings")
