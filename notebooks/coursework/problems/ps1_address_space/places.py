"""At which addresses a byte of a file is found, read off a few lines of maps."""

from inspect import getsource

from mmlab import MAP_FIXED, MAP_PRIVATE, O_CREAT, O_RDWR, PAGE_SIZE, PROT_READ, Kernel
from mmlab.check import vmas
from mmlab.coursework.problem import Part, Work, Wrong

from .common import HERE


def drawn_pieces(rng):
    """A page, and pieces of two files, mapped one above the other: (file, its first page, how many)."""
    page, near = rng.randint(20, 60), rng.randint(2, 6)
    pieces = [
        ("book.txt", page - near, near), ("book.txt", page + rng.randint(1, 3), 4),
        ("book.txt", page - rng.randint(1, 4), rng.randint(5, 8)),
        ("book.txt", page - rng.randint(5, 9), rng.randint(10, 12)),
        ("copy.txt", page - rng.randint(1, 4), rng.randint(5, 8)),
    ]  # fmt: skip
    rng.shuffle(pieces)
    return page, pieces


def mapped_pieces(pieces):
    """A process that has mapped the pieces."""
    proc, at = Kernel().spawn("reader"), HERE
    for name, first, pages in pieces:
        fd = proc.open(f"/data/{name}", O_RDWR | O_CREAT)
        proc.mmap(at, pages * 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, first * 4096)
        at += (pages + 1 + first % 3) * 4096
    return proc


def check(work: Work):
    page, pieces = drawn_pieces(work.rng)
    places = [
        vma.vm_start + (page - vma.vm_pgoff) * PAGE_SIZE
        for vma in vmas(mapped_pieces(pieces).task.mm)
        if vma.vm_file and vma.vm_file.f_path.d_name == "book.txt"
        and vma.vm_pgoff <= page < vma.vm_pgoff + (vma.vm_end - vma.vm_start) // PAGE_SIZE
    ]  # fmt: skip
    answer = work.value("addresses", list)
    if not answer or not set(answer) <= set(places):
        raise Wrong("Something else is at one of these addresses. Which byte of which file lies at a line's start?")
    if answer != places:
        raise Wrong("The byte is at these addresses, but that is not yet the list that was asked for.", 1 / 2)


PART = Part(
    "places", "predict", 2, "Where is the byte?",
    """
A process has mapped pieces of two files. The cell prints these lines of its `/proc/PID/maps`, and a byte of
`book.txt`. At which addresses can the process load this byte?

Answer with `addresses`: a list of `int`, in rising order. (Half the points if the list is right but not complete.)
""",
    setup=f"""
HERE = 0x10000000000

{getsource(drawn_pieces)}

{getsource(mapped_pieces)}

page, pieces = drawn_pieces(personal("ps1-places"))
lines = [line for line in mapped_pieces(pieces).maps().splitlines() if line.startswith("100")]
byte = page * 4096
print(*lines, f"Where is byte {{byte:#x}} of book.txt?", sep="\\n")
""",
    starter="addresses = [...]",
    solution="""
addresses = []
for line in lines:
    start, end = (int(text, 16) for text in line.split()[0].split("-"))
    offset = int(line.split()[2], 16)
    if line.endswith("/book.txt") and offset <= byte < offset + (end - start):
        addresses.append(start + (byte - offset))
""",
    example="""
if ... in addresses:
    raise NotImplementedError
assert all(isinstance(addr, int) for addr in addresses), "a list of int"
assert addresses == sorted(addresses), "in rising order"
assert all(0 <= addr - HERE < 100 * 4096 for addr in addresses), "each address is one of those in the lines"
""",
    check=check,
)  # fmt: skip
