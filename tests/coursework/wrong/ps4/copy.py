from tests.coursework.wrong import but

WRONG = {
    "fstat tells every size": (but("ps4-copy", ("proc.lseek(src, 0, SEEK_END)", "proc.fstat(src).st_size")), 2),
    "a disk is never asked for by lseek, but guessed": (
        but("ps4-copy", ("proc.lseek(src, 0, SEEK_END)", "proc.fstat(src).st_size or 65536")), 2),
    "all of it at once": (but("ps4-copy", ("limit // 8 * 4096", "1 << 30")), 2),
    "the limit is for each of the two": (but("ps4-copy", ("limit // 8 * 4096", "limit // 4 * 4096")), 2),
    "the limit counts pages": (but("ps4-copy", ("limit // 8 * 4096", "limit // 2 * 4096")), 2),
    "the source stays mapped": (but("ps4-copy", ("        proc.munmap(a, n)\n", "")), 2),
    "nothing is unmapped": (
        but("ps4-copy", ("        proc.munmap(a, n)\n", ""), ("        proc.munmap(b, n)\n", "")), 2),
    "a large mapping of the source, one page of it at a time": ('''
def copy(proc, source, target, limit):
    src, dst = proc.open(source, O_RDONLY), proc.open(target, O_RDWR | O_CREAT)
    size = proc.lseek(src, 0, SEEK_END)
    proc.ftruncate(dst, size)
    a = proc.mmap(0, size, PROT_READ, MAP_SHARED, src)
    b = proc.mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, dst)
    for at in range(0, size, 4096):
        n = min(4096, size - at)
        proc.memcpy(b + at, a + at, n)
        proc.munmap(a + at, n)
        proc.munmap(b + at, n)
''', 2),
    "whole pieces only": (but("ps4-copy", ("range(0, size, step)", "range(0, size - step + 1, step)")), 0),
    "the target is never given its size": (but("ps4-copy", ("    proc.ftruncate(dst, size)\n", "")), 0),
    "the target is mapped privately": (but("ps4-copy", ("PROT_WRITE, MAP_SHARED", "PROT_WRITE, MAP_PRIVATE")), 0),
    "the offset is forgotten": (but("ps4-copy", ("MAP_SHARED, src, at)", "MAP_SHARED, src)")), 0),
    "the target has whole pages": (
        but("ps4-copy", ("ftruncate(dst, size)", "ftruncate(dst, -(-size // 4096) * 4096)")), 0),
    "the limit is in bytes": (but("ps4-copy", ("limit // 8 * 4096", "limit // 2")), 0),
    "read and write are shorter": ('''
def copy(proc, source, target, limit):
    src, dst = proc.open(source, O_RDONLY), proc.open(target, O_RDWR | O_CREAT)
    while data := proc.read(src, 4096):
        proc.write(dst, data)
''', 0),
}  # fmt: skip
