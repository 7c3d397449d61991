"""What if the kernel chose the address? Each address is that of Linux 6.18, which is asked as well."""

import platform
from errno import ENOMEM

import pytest

from mmlab import Kernel, linux
from mmlab.include.mm import TASK_SIZE
from tests.kernel.helpers import ARENA, MEMORY, PAGE, RW, unchanged

NORESERVE, FIXED, GROWSDOWN, BIT32, ABOVE4G, SHARED, ANON = 0x4000, 0x10, 0x100, 0x40, 0x80, 1, 0x20
MIB2 = 2 << 20
TOP = TASK_SIZE - (128 << 20)  # mmap_base: what the stack may need is kept free above it
THIRD = 0x2AAAAAAAA000 + PAGE  # where the search upwards begins


@pytest.fixture(params=["simulated", "real"])
def bare(request):
    """A process of either kernel in which everything from TOP - 64 KiB to TOP is mapped, and no stack."""
    if request.param == "real":
        if [int(n) for n in platform.release().split(".")[:2]] < [6, 16]:
            pytest.skip("the addresses are those of Linux 6.16 and newer")
        try:
            real = linux.Kernel()
        except linux.Unavailable as reason:
            pytest.skip(str(reason))
        request.addfinalizer(real.close)
        proc = real.spawn("program")
        first = min(int(line.split("-")[0], 16) for line in str(proc.maps()).splitlines() if line > "7ff")
        if not TOP - (16 * PAGE) < first < TOP:
            pytest.skip("the vDSO is elsewhere here: addresses are random")
        proc.mmap(TOP - 16 * PAGE, first - TOP + 16 * PAGE, 0, MEMORY | FIXED)
        return proc
    proc = Kernel().spawn("program")
    for line in str(proc.maps()).splitlines():
        start, end = (int(word, 16) for word in line.split()[0].split("-"))
        proc.munmap(start, end - start)
    proc.mmap(TOP - 16 * PAGE, 16 * PAGE, 0, MEMORY | FIXED)
    return proc


def ask(proc, length, hint=0, flags=0, prot=0):
    return proc.mmap(hint, length, prot, MEMORY | NORESERVE | flags)


def test_what_if_two_mappings_followed_each_other(bare):
    first = ask(bare, PAGE)
    assert (first, ask(bare, 3 * PAGE)) == (TOP - 17 * PAGE, first - 3 * PAGE)


def test_what_if_a_hole_were_just_large_enough(bare):
    low = ask(bare, 10 * PAGE)
    bare.munmap(low + 2 * PAGE, 3 * PAGE)
    assert ask(bare, 4 * PAGE) == low - 4 * PAGE
    assert ask(bare, 3 * PAGE) == low + 2 * PAGE


def test_what_if_a_whole_number_of_huge_pages_were_mapped(bare):
    assert ask(bare, MIB2) % MIB2 == 0
    low = ask(bare, MIB2 + PAGE)
    assert low % MIB2 == MIB2 - PAGE  # not aligned: only what is a multiple of 2 MiB is
    assert bare.mmap(0, 2 * MIB2, 0, SHARED | ANON) == low - 2 * MIB2  # nor what is shared


def test_what_if_a_file_of_two_mebibytes_were_mapped(bare):
    disk, tmpfs = bare.open("/data/big", 0o102), bare.open("/dev/shm/big", 0o102)
    assert bare.mmap(0, MIB2, 0, SHARED, disk) % MIB2 == 0
    low = bare.mmap(0, 2 * MIB2, 0, SHARED, disk, PAGE)
    assert low % MIB2 == PAGE  # as the file page lies in its 2 MiB
    assert bare.mmap(0, MIB2, 0, SHARED, disk, PAGE) == low - MIB2  # no whole 2 MiB of the file: not aligned
    assert bare.mmap(0, MIB2 + PAGE, 0, SHARED, tmpfs) == low - 2 * MIB2 - PAGE
    assert bare.mmap(0, MIB2 + PAGE, 0, MEMORY & ~ANON, bare.open("/dev/zero", 2)) % MIB2 == 0


def test_what_if_the_hint_were_free_or_not(bare):
    assert ask(bare, PAGE, ARENA + 5) == ARENA
    assert ask(bare, PAGE, ARENA) == TOP - 17 * PAGE
    assert ask(bare, PAGE, PAGE) == 65536  # not below mmap_min_addr, whatever /proc/sys says below 64 KiB
    assert ask(bare, PAGE, 1 << 47) == TOP - 18 * PAGE


def test_what_if_there_were_a_stack_above(bare):
    stack = ask(bare, PAGE, ARENA + (4 << 20), GROWSDOWN)
    assert ask(bare, PAGE, stack - 256 * PAGE) == TOP - 17 * PAGE  # one page within the guard gap of 256
    assert ask(bare, PAGE, stack - 257 * PAGE) == stack - 257 * PAGE
    assert bare.mmap(stack - 2 * PAGE, PAGE, 0, MEMORY | FIXED) == stack - 2 * PAGE  # the program may insist


def test_what_if_the_search_met_the_guard_gap_of_a_stack(bare):
    stack = ask(bare, 15 * PAGE, TOP - 31 * PAGE, GROWSDOWN)
    assert ask(bare, PAGE) == stack - 257 * PAGE
    bare.munmap(stack - 257 * PAGE, PAGE)
    bare.mmap(stack - 2 * PAGE, PAGE, 0, MEMORY | FIXED)  # a hole of one page is left, and it is refused: so is all
    assert ask(bare, PAGE) == stack - 257 * PAGE  # of the gap, the free places below the mapping too


def test_what_if_it_had_to_be_below_two_gibibytes(bare):
    assert [ask(bare, PAGE, hint, BIT32) for hint in (0, 0, 0x50000123)] == [0x40000000, 0x40001000, 0x50000000]
    with pytest.raises(OSError) as info:
        ask(bare, (1 << 30) - PAGE, 0, BIT32)
    assert info.value.errno == ENOMEM


def test_what_if_only_the_room_of_the_stack_were_left(bare):
    for start, end in holes(bare, 65536, TOP):
        bare.mmap(start, end - start, 0, MEMORY | NORESERVE | FIXED)
    at = ask(bare, PAGE)
    assert at == TOP  # upwards from a third of all addresses, so past mmap_base
    assert ask(bare, PAGE) == TOP + PAGE
    with pytest.raises(OSError) as info:
        ask(bare, PAGE, 0, ABOVE4G | BIT32)
    assert info.value.errno == ENOMEM


def holes(proc, low, high):
    """The free ranges of [low, high)."""
    for line in str(proc.maps()).splitlines():
        start, end = (int(word, 16) for word in line.split()[0].split("-"))
        if low < start <= high:
            yield low, start
        low = max(low, end)
    if low < high:
        yield low, high


def test_what_if_the_search_upwards_found_room(bare):
    for start, end in holes(bare, 65536, TOP):
        bare.mmap(start, end - start, 0, MEMORY | NORESERVE | FIXED)
    for page in (THIRD - 2 * PAGE, THIRD + 4 * PAGE):
        bare.munmap(page, PAGE)
    bare.munmap(1 << 20, PAGE)
    assert ask(bare, PAGE) == THIRD + 4 * PAGE  # the highest hole below mmap_base
    assert ask(bare, PAGE) == THIRD - 2 * PAGE
    assert ask(bare, PAGE) == 1 << 20


def test_what_if_mremap_chose_the_place(bare):
    at = ask(bare, PAGE, ARENA, 0, RW)
    ask(bare, PAGE, ARENA + PAGE, GROWSDOWN)
    assert bare.mremap(at, PAGE, MIB2, 1) % MIB2 == 0


def test_what_if_no_address_were_left():
    kernel = Kernel()
    proc = kernel.spawn("program")
    with unchanged(kernel), pytest.raises(OSError) as info:
        proc.mmap(0, 2**46 + 2**45, 0, MEMORY | NORESERVE)
    assert info.value.errno == ENOMEM and "arch_get_unmapped_area" in str(info.value)
