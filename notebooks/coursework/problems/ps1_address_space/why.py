"""An essay: why a process has areas, and not only a page table."""

from mmlab.coursework.problem import Part

PART = Part(
    "why", "essay", 4, "Why areas, and why so late?",
    """
A program maps one GiB of private anonymous memory, readable and writable, and then stores one byte to every hundredth
page. All pages are of 4 KiB. A friend who has written a small operating system says: *"Mine has no areas. `mmap`
allocates the pages and enters them in the page table. That is all a process needs."*

Answer in 150 to 250 words. What does Linux keep for this mapping, right after `mmap` and after the stores? What would
your friend's system have to keep at the same two moments? Count. And name one thing beyond memory that Linux can do,
or can tell the program, only because it has areas.
""",
    rubric="""
Marks: **1** what Linux keeps after `mmap`: objects, entries of page tables, pages, with their numbers. **1** the same
after the stores. **1** the friend's system at both moments, and where it fails. **1** the one thing beyond memory:
what it is, and why it takes areas.
""",
    solution="""
Right after `mmap`, Linux keeps one `vm_area_struct`: first address, end, `vm_flags` (read, write and what `mprotect`
may ask for) and an offset. Not one page is allocated, and no entry is in a page table. If a neighbour agrees in
everything, not even an object is new: the neighbour grows.

After the stores the VMA is what it was. One GiB is 262,144 pages; every hundredth makes 2,622 faults, and each
brought one page and one entry. So the memory used is about 10 MiB, 1 % of what was promised, and 2 MiB of page tables.

The friend's system has to find 262,144 free pages and fill in as many entries at `mmap`, and zero a whole GiB, before
the program has done anything. After the stores it holds the same: 99 % of it was never needed. If only 512 MiB are
free, the call has to fail, although the program would have been content with 10 MiB.

Areas are also what a fault is judged by. The hardware says only that there is no valid entry for an address. Linux
looks for the VMA: if there is one that allows the access, the page is a promise to be kept, and the program goes on.
If there is none it is SIGSEGV with SEGV_MAPERR, and if the VMA forbids the access, SEGV_ACCERR. A page table with no
entry cannot tell a promise from a mistake.
""",
)  # fmt: skip
