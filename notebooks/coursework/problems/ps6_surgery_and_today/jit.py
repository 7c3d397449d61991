"""An essay: a runtime that cannot give its memory back."""

from mmlab.coursework.problem import Part

PART = Part(
    "jit", "essay", 3, "Half a million functions",
    """
A runtime compiles functions while the program runs. For each it calls `mmap`: 16 KiB, private, readable and writable;
it stores the code there, and `mprotect` makes it readable and executable. After an hour there are half a million
functions, side by side, in a handful of VMAs. Then the runtime drops those that are not used any more: about every
second one, here and there, each by `munmap` of its 16 KiB. At first all goes well. Then more and more of the calls give
ENOMEM, though gigabytes are free. Its author says: *"Then we do not look at the result of `munmap`, and raise
`vm.max_map_count`."*

Answer in 150 to 250 words, for somebody who knows `mmap` and `munmap`, but not what the kernel makes of them:

1. What is used up, and why did half a million functions not use it up? Which of the functions can still be unmapped?
2. What becomes of a program that follows the author's advice?
3. How would you give the memory of any function back, as soon as it is dropped, and stay far below the limit? Name the
   calls, and what your design pays for it.
""",
    rubric="""
How it is marked: one point for each of the three answers: the first two if they name the cause and not only the effect,
the third if the design holds for any order in which functions are dropped, and its price is told. Half a point less if
it does not keep to the length or its reader could not follow it.
""",
    solution="""
*For the grader. The first answer: VMAs, of which a process may have 65,530. Neighbours with the same flags are one
VMA, so half a million functions are few; but each hole in the middle of a VMA makes one more. At the limit the kernel
refuses what would, before it changes anything; a function at the start or at the end of a VMA (beside a hole) can go
still, and so can one that is a VMA by itself. The second: what was not unmapped stays mapped and in memory, a leak that
nobody sees; stale code stays executable; and near the limit mmap and mprotect fail as well. A higher limit moves the
hour, and each VMA costs kernel memory. The third: whatever gives pages back and cuts nothing, such as
madvise(MADV_DONTNEED) (zeros come back, the addresses stay taken), or a memfd mapped once and a hole punched into it;
with an allocator of one's own, which uses the place again. mmap over it with MAP_FIXED and the same flags merges, too,
but PROT_NONE in its place is a cut like munmap. The price: addresses and bookkeeping; protection, if places are
writable and executable, or mapped twice, for there mprotect of one function would cut. An answer in full:*

The kernel keeps a record, a VMA, for each stretch of addresses with the same properties. Functions side by side have
the same properties, so one record serves thousands. But a record has one start and one end: when a function in the
middle goes, two are needed. A process may have 65,530; then the kernel refuses whatever would make one more, and
changes nothing. A function beside a hole can still go: the record only becomes shorter.

Who does not look at the result believes that the memory is free. It is not, and the old code can still be run. Soon
`mmap` and `mprotect`, which need records, fail too. A higher limit only moves the hour.

I would map one large memfd twice, shared: once to write, once to run. These are two records, whatever happens inside.
The runtime places functions in it by an allocator of its own, writes through one mapping and runs through the other; no
`mprotect` is needed. When a function is dropped, `fallocate` punches a hole into the memfd: the memory is free at once,
no record is cut, and the allocator may use the place again.

The price: the allocator is mine to write and to debug, functions must be whole pages, and whoever learns the address of
the writable mapping can change code.
""",
)  # fmt: skip
