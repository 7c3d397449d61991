"""Whether a write fault copies a page or uses it again, in three kernels."""

from functools import cache

from mmlab import PAGE_SIZE, Kernel
from mmlab.coursework.checks import RW
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.coursework.programs import MEMORY
from mmlab.include.pgtable import _PAGE_RW, pte_offset
from mmlab.mm.page_alloc import get_page, put_page

from .common import MEM, entry_at


@cache
def decided(mapcount, count, exclusive):
    """What today's kernel decides about a page in that state."""
    kernel = Kernel(mem=MEMORY)
    proc = kernel.spawn("P")
    addr = proc.mmap(0, PAGE_SIZE, RW, MEM)
    proc.store(addr, b"x")
    for _ in range(mapcount - 1):
        proc.fork()
    if mapcount == 1 and not exclusive:
        proc.fork().exit()
    page, _ = entry_at(proc, addr)
    for _ in range(count - mapcount):
        get_page(page)  # as a pipe does to which the page was given
    table, i = pte_offset(proc.task.mm.pgd, addr)
    table[i] &= ~_PAGE_RW
    with kernel.trace() as trace:
        proc.store(addr, b"y")
    for _ in range(count - mapcount):
        put_page(page)
    return "copy" if "wp_page_copy" in trace.functions() else "reuse"


def check(work: Work):
    cases = [(m, m + held, exclusive) for m in (1, 2, 3) for held in (0, 1, 2) for exclusive in (True, False)
             if m == 1 or not exclusive]  # fmt: skip
    kernels = {
        "4.4": lambda mapcount, count, exclusive: "reuse" if mapcount == 1 else "copy",
        "5.9": lambda mapcount, count, exclusive: "reuse" if count == 1 else "copy",
        "6.18": decided,
    }
    wrong = []
    for name, rule in kernels.items():
        for case in cases:
            if case[2] and name != "6.18":
                continue
            if (given := work.call("decide", name, *case)) != rule(*case):
                wrong.append(f"decide({name!r}, {', '.join(map(str, case))}) is not {given!r}.")
                break
    if wrong:
        raise Wrong("\n".join(wrong), 0.5 if len(wrong) == 1 else 0)


PART = Part(
    "decide", "code", 2, "Three kernels decide",
    """
A process stores to a page of its private anonymous memory through an entry that does not let the processor write. Is
the page copied? Write `decide(kernel, mapcount, count, exclusive)` and return `"copy"` or `"reuse"`:

- `kernel` is `"4.4"`, `"5.9"` or `"6.18"` (today's);
- `mapcount`: the number of entries that map the page, 1 or more (`_mapcount` + 1);
- `count`: its `_count`, all references to it, those entries among them;
- `exclusive`: whether it has the flag `PG_anon_exclusive`. Kernels that do not know the flag are asked with `False`.

Two points if all three kernels decide rightly in every case, one if two of them do.
""",
    starter="def decide(kernel, mapcount, count, exclusive):\n    ...",
    solution='''
def decide(kernel, mapcount, count, exclusive):
    if kernel == "4.4":
        return "reuse" if mapcount == 1 else "copy"
    return "reuse" if exclusive or count == 1 else "copy"
''',
    example='''
words = [decide(kernel, 2, 2, False) for kernel in ("4.4", "5.9", "6.18")]
if words == [None] * 3:
    raise NotImplementedError
assert words == ["copy"] * 3, "two processes that map a page, and nothing else"
''',
    check=check,
)  # fmt: skip
