"""An essay: what a database pays that writes its memory to a file by fork."""

from mmlab.coursework.problem import Part

PART = Part(
    "snapshot", "essay", 4, "The snapshot of a database",
    """
A database keeps 8 GiB in private anonymous memory and changes some of it a thousand times a second. Once an hour it
forks; the child writes all of its memory to a file, changes nothing, and exits after a minute. The machine has 12 GiB.
Its operator asks you three questions:

1. The memory in use grows by 3 GiB during a snapshot. Why, and why not by 8? On what does the number depend?
2. Requests take longer right after the fork, and again some still do right after the child's exit, although nobody
   else has the memory then. Why?
3. `overcommit_memory` was set to 2, as somebody recommended. Since then the fork fails, though 4 GiB are free. Why?
   What is the price of setting it back to 0?

Answer in 200 to 300 words, for somebody who knows what a process is and has not heard of page tables.
""",
    rubric="""
How it is marked: one point for each of the three answers, if it names the cause and not only the effect; and one point
if nothing in it is wrong, it keeps to the length, and its reader can follow it.
""",
    solution="""
*For the grader. The first answer: only pages to which the database stores while the child is there are copied, each
once, at the first store, and as a whole; so it depends on how many different pages are stored to in that minute, not
on how many bytes or how often. The second: fork took the right to write away from the parent's entries, too; before
the child's exit the first store to a page costs a fault and a copy, after it a fault. The third: fork promises the 8
GiB a second time, stored to or not, and with 2 the kernel refuses what it may not be able to keep; with 0 nobody is
told in advance, and a store may end in the OOM killer. An answer in full:*

Right after the fork the two processes have the same pages; nothing was copied but the lists that say which page is
where. In both lists the right to write was taken away. When the database stores to a page for the first time after
that, the processor stops and asks the kernel, which copies the page (4 KiB, however few bytes are stored), gives the
copy to the database and leaves the old page to the child. A second store to the same page costs nothing. So 3 GiB means
that the database has stored to about 800,000 *different* pages in that minute. Were the stores spread over all of the
memory it could be 8 GiB; if they all went to a few pages, next to nothing.

Each such first store takes a fault and a copy: these are the slow requests after the fork. When the child has exited,
the pages that were not copied belong to the database alone, but its list still says that it may not write to them.
So the first store to each of them stops once more; the kernel finds that nobody else has the page, and gives the right
back without a copy.

A fork promises the child all private memory that it may write, 8 GiB, since it might store to every page. With
`overcommit_memory` 2 the kernel keeps a sum of all promises below a limit and refuses the fork, whatever is free. With
0 it lets this fork pass. The price: if more pages are copied than there is memory, the store that needs the next one
cannot return an error. The kernel kills a process to get memory, and the largest is probably the database.
""",
)  # fmt: skip
