"""The way of find_vma through a tree that is drawn."""

from inspect import getsource

from mmlab import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_READ, Kernel
from mmlab.check import vmas
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.mm.vma import find_vma
from mmlab.views.tree import search


def drawn_space(rng):
    """A process with some pages mapped far apart, and an address in a hole between them."""
    proc = Kernel().spawn("cat")
    for page in rng.sample(range(2, 60, 3), 10):
        proc.mmap(0x10000000000 + page * 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
    lows = [vma.vm_prev for vma in vmas(proc.task.mm) if vma.rb_left and vma.vm_prev.vm_start >> 40 == 1]
    return proc, rng.choice(lows).vm_end + rng.randint(16, 4000)


def check(work: Work):
    proc, addr = drawn_space(work.rng)
    mm = proc.task.mm
    vma = find_vma(mm, addr)
    looked = work.value("looked") == [vma.name for vma in search(mm, addr)]
    gives = work.value("gives") == (vma.name if vma else None)
    if not looked:
        raise Wrong("The way is another. At each node compare the address with that VMA's two ends: which way "
                    "then, and when is it over?", gives / 2)  # fmt: skip
    if not gives:
        raise Wrong("This is the way; but find_vma gives another VMA. It remembers one of those that it passes.", 1 / 2)


PART = Part(
    "tree", "diagram", 2, "The way through the tree",
    """
The picture shows the VMAs of a process, as lesson 01 did: the tree on its side at the left, its root leftmost; the
list at the right. The kernel calls `find_vma(mm, addr)` with the address that is printed.

Read from the picture: at which VMAs does it look, in which order, and which one does it give? Answer with `looked`, a
list of names such as `["vma#5", "vma#7"]`, and `gives`, a name, or `None` for NULL. One point each.
""",
    setup=f"""
from mmlab.check import vmas
from mmlab.views import vma_tree

{getsource(drawn_space)}

proc, addr = drawn_space(personal("ps1-tree"))
print(f"find_vma(mm, {{addr:#x}})")
picture = vma_tree(proc)
picture
""",
    starter="looked = [...]\ngives = ...",
    solution="""
from mmlab.mm.vma import find_vma
from mmlab.views.tree import search

looked = [vma.name for vma in search(proc.task.mm, addr)]
gives = find_vma(proc.task.mm, addr).name
""",
    example="""
if ... in looked or gives is ...:
    raise NotImplementedError
names = set(str(picture).split())
assert all(name in names for name in looked), "a VMA of the picture is written as vma#5"
assert gives is None or gives in names, "gives: a VMA of the picture, or None"
""",
    check=check,
)  # fmt: skip
