"""A kernel that counts wrong, or lets shared memory go too early or too late."""

from mmlab.coursework.hunt import hunt

CLAIMS = {
    "copy": "A store to a private page that was loaded before makes a copy, but the file's page stays in Mapped.",
    "entries": "Each entry of a page table counts in Mapped when it is made, even if others lead to the same page "
               "already.",
    "fork": "fork copies the entries of shared mappings, too: the child need not fault for them.",
    "last": "Of several entries that lead to a page, the last two to go each take the page out of Mapped.",
    "nattch": "A System V segment goes with its last detach, although nobody has removed it.",
    "removed": "A System V segment that has been removed, and is still attached, is still found by its key.",
    "shrink": "A memfd that is sealed with F_SEAL_SHRINK can be made smaller.",
    "tmpfs": "The pages of tmpfs count in RssFile, and not in RssShmem and Shmem.",
}

SHOWS = '''
RW = PROT_READ | PROT_WRITE

def book(proc, flags):
    return proc.mmap(0, 5 * 4096, RW, flags, proc.open("/data/book.txt", O_RDWR))

def show_copy(kernel):
    proc = kernel.spawn("witness")
    addr = book(proc, MAP_PRIVATE)
    proc.load(addr)
    before = kernel.meminfo()["Mapped"]
    proc.store(addr, b"X")
    return kernel.meminfo()["Mapped"] - before

def show_entries(kernel):
    one, two = kernel.spawn("one"), kernel.spawn("two")
    one.load(book(one, MAP_SHARED))
    addr, before = book(two, MAP_SHARED), kernel.meminfo()["Mapped"]
    two.load(addr)
    return kernel.meminfo()["Mapped"] - before

def show_fork(kernel):
    proc = kernel.spawn("witness")
    addr = book(proc, MAP_SHARED)
    proc.load(addr)
    return proc.fork().pagemap(addr).present

def show_last(kernel):
    one, two = kernel.spawn("one"), kernel.spawn("two")
    for proc in (one, two):
        addr = book(proc, MAP_SHARED)
        proc.load(addr)
    before = kernel.meminfo()["Mapped"]
    two.munmap(addr, 4096)
    return kernel.meminfo()["Mapped"] - before

def show_nattch(kernel):
    proc = kernel.spawn("witness")
    id = proc.shmget(7, 4096, IPC_CREAT | 0o600)
    proc.shmdt(proc.shmat(id))
    return proc.shmctl(id, IPC_STAT).shm_nattch

def show_removed(kernel):
    proc = kernel.spawn("witness")
    id = proc.shmget(7, 4096, IPC_CREAT | 0o600)
    proc.shmat(id)
    proc.shmctl(id, IPC_RMID)
    return proc.shmget(7, 4096, IPC_CREAT | 0o600)

def show_shrink(kernel):
    proc = kernel.spawn("witness")
    fd = proc.memfd_create("notes", MFD_ALLOW_SEALING)
    proc.ftruncate(fd, 8192)
    proc.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)
    return proc.ftruncate(fd, 4096)

def show_tmpfs(kernel):
    proc = kernel.spawn("witness")
    proc.store(proc.mmap(0, 4096, RW, MAP_SHARED | MAP_ANONYMOUS), b"X")
    return kernel.meminfo()["Shmem"]
'''

PART = hunt("ps4-bug", CLAIMS, SHOWS, title="A kernel that counts wrong", most=15,
            on="files, on memory and on System V segments")
