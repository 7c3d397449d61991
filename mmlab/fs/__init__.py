"""fs/: files, by name and by kind.

    dcache.py      names                          fs/dcache.c
    inode.py       files themselves               fs/inode.c
    attr.py        how large a file may be        fs/attr.c
    file_table.py  open files                     fs/file_table.c
    namei.py       from a path to a file          fs/namei.c
    ext4.py        a disk file system             fs/ext4/{inode,file}.c
    libfs.py       what file systems do alike     fs/libfs.c
    ramfs.py       files that live in memory      fs/ramfs/{inode,file-mmu}.c
    buffer.py      writing pages that have blocks fs/buffer.c
    pipe.py        pipes                          fs/pipe.c
    block_dev.py   a disk as one file             fs/block_dev.c
    task_mmu.py    /proc/PID/maps and smaps       fs/proc/task_mmu.c
    proc.py        /proc                          fs/proc/{base,meminfo,inode}.c
    drop_caches.py what the disk can give again   fs/drop_caches.c
    open.py, read_write.py, fcntl.py, stat.py, sync.py    the system calls on files
    binfmt_elf.py  starting a program             fs/exec.c, fs/binfmt_elf.c
"""
