"""The headers: what the kernel's `include/` declares, as data.

    mman.py      values a program passes to the system calls   include/uapi/asm-generic/mman*.h, fcntl.h
    mm.py        VM_* flags and what a fault may answer         include/linux/mm.h
    mm_types.py  page, vm_area_struct, mm_struct                include/linux/mm_types.h
    fs.py        inode, file, address_space, dentry             include/linux/fs.h
    uio.py       what read(2) and write(2) move                 include/linux/uio.h
    pipe_fs_i.py a pipe                                         include/linux/pipe_fs_i.h
    shmem_fs.py  what tmpfs knows of a file                     include/linux/shmem_fs.h
    highmem.py   the bytes of a page                            include/linux/highmem.h
    pgtable.py   what is in a page table entry                  arch/x86/include/asm/pgtable*.h
    mmzone.py    memory, its counters, and the whole machine    include/linux/mmzone.h
    mm_inline.py lists of pages for reclaim                     include/linux/mm_inline.h
    shm.py       System V shared memory                         include/linux/shm.h, uapi/linux/ipc.h, shm.h
    sched.py     task_struct                                    include/linux/sched.h
    array.py     arrays inside these objects                 (plain C arrays and lists)
    errors.py    how a kernel function fails                    include/linux/err.h
"""
