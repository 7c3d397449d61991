"""mm/: the memory manager. Each room depends only on the rooms above it in this list.

    page_alloc.py      frames of memory               mm/page_alloc.c, mm/swap.c
    slab.py            kernel objects                 mm/slab.c
    util.py            may so much be promised?       mm/util.c
    rmap.py            from a page to its mappings    mm/rmap.c
    swap.py            how recently a page was used   mm/swap.c
    page_writeback.py  dirty pages                    mm/page-writeback.c
    pagemap.py         the page cache's tree          include/linux/pagemap.h, mm/filemap.c
    readahead.py       pages before they are needed   mm/readahead.c
    memory.py          the page fault                 mm/memory.c
    vma.py             VMAs                           mm/mmap.c (since 6.12: mm/vma.c)
    filemap.py         files through the page cache   mm/filemap.c
    vmscan.py          taking memory back             mm/vmscan.c
    truncate.py        pages leave a file             mm/truncate.c
    shmem.py           tmpfs and shared memory        mm/shmem.c
    memfd.py           files without a name, seals    mm/memfd.c (until 4.17: mm/shmem.c)
    gup.py             faulting in advance            mm/gup.c
    huge_memory.py     where large mappings go        mm/huge_memory.c
    mlock.py           memory that stays              mm/mlock.c
    mmap.py            mmap and munmap                mm/mmap.c
    mprotect.py        what may be done with memory   mm/mprotect.c
    mremap.py          a mapping moves or grows       mm/mremap.c
    madvise.py         what the program knows         mm/madvise.c
    msync.py           stores go to the disk          mm/msync.c
    mincore.py         which pages are in memory      mm/mincore.c
    oom_kill.py        a process must go              mm/oom_kill.c
"""
