"""An essay: what vm_pgoff, vm_file and vm_ops are for."""

from mmlab.coursework.problem import Part

PART = Part(
    "links", "essay", 4, "Three links, or a name?",
    """
A friend designs a kernel in which a mapping of a file is kept as *(start, end, path, offset in bytes, kind of file)*.
On a page fault it opens the path, reads 4096 bytes from the right place, and has one large `switch` on the kind of
file. *"No pointers, no counts, nothing to unwind: when `mmap` fails, I just do not write the row."*

Answer in 150 to 250 words. Name two things that programs can rely on in Linux and that this design breaks, each with
the link (`vm_pgoff`, `vm_file`, `vm_ops`) that makes Linux get it right, and an example in terms of calls. Say what is
lost with the `switch`. And be fair: what does Linux pay for its links when `mmap` fails halfway?
""",
    rubric="""
How it is marked: **1** for each of two breaches, with its link and a sequence of calls (½ without the calls); **1** for
what is lost with the `switch`; **1** for what Linux pays.
""",
    solution="""
*For the grader. Breaches: `vm_file` holds the open file, so a mapping outlives `close`, `unlink` and a new file of the
same name, and what `open` permitted holds, whatever the permissions of the path are later; two mappings meet in one
`address_space`, so what is stored to a shared one is seen by the other; `vm_pgoff` counts pages and moves on with
`vm_start` at a cut, so every address keeps its byte and neighbours can be seen to continue each other (an offset in
bytes allows offsets within a page, and could not lead to a page of the cache). The `switch`: with `vm_ops` (by
`f_op->mmap`) each kind of file brings its functions, a new file system or driver needs no change in the fault code, and
NULL has a meaning (anonymous). The price: references and counts (`f_count`, `i_writecount`, `i_mmap_writable`, the VMA,
the promise) taken in an order and given back in the reverse order through the labels; a forgotten one stays until
reboot (the `charged = 0` of v4.4), or what MAP_FIXED has cleared is not restored. An answer in full:*

First, a name is not a file. A program may `open`, `mmap`, `close` and then `unlink`; its loads still work, since
`vm_file` holds the open file, and that the inode. In the friend's kernel the next fault finds no such path, or, worse,
a new file that somebody has put there. Also the permissions were settled by `open`; opening at each fault asks again.

Second, two processes that map one file MAP_SHARED must see each other's stores. In Linux `vm_file` leads both to the
one `address_space`, and `vm_pgoff` says which of its pages is meant. Reading 4096 bytes for each fault gives everyone a
copy. `vm_pgoff` is in pages for this reason, and moves on when `munmap` cuts a VMA, so that each address keeps its
byte.

With the `switch`, the fault code must know every kind of file. `f_op->mmap` lets each file system or driver enter its
own `vm_ops`; a new one changes nothing in the fault, and no `vm_ops` at all means anonymous memory.

The price is real. By the time `f_op->mmap` refuses, Linux has promised memory, allocated a VMA, perhaps denied writers,
counted in `i_mmap_writable` and taken a reference to the file. Labels give all this back in the reverse order. One
label forgotten, as in v4.4, and Committed_AS stays too high. And what MAP_FIXED has cleared does not come back.
""",
)  # fmt: skip
