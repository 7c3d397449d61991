from tests.coursework.wrong import but

WRONG = {
    "the whole file is mapped": (but("ps3-copy", ("limit // 2", "1 << 24")), 3),
    "the limit is for each of the two": (but("ps3-copy", ("limit // 2", "limit")), 3),
    "the source stays mapped": (but("ps3-copy", ("        proc.munmap(a, n)\n", "")), 3),
    "the target stays mapped": (but("ps3-copy", ("        proc.munmap(b, n)\n", "")), 3),
    "munmap writes": (but("ps3-copy", ("    proc.fsync(dst)\n", "")), 3),
    "MS_ASYNC writes": (but("ps3-copy", ("    proc.fsync(dst)\n", ""),
        ("        proc.munmap(a", "        proc.msync(b, n, MS_ASYNC)\n        proc.munmap(a")), 3),
    "the source is made safe": (but("ps3-copy", ("fsync(dst)", "fsync(src)")), 3),
    "a store makes the file longer": (but("ps3-copy", ("    proc.ftruncate(dst, size)\n", "")), 0),
    "the target is not longer than the source": (but("ps3-copy", (" | O_TRUNC", ""),
        ("    proc.ftruncate", "    if proc.fstat(dst).st_size < size:\n        proc.ftruncate")), 0),
    "the target is mapped private": (but("ps3-copy", ("MAP_SHARED, dst", "MAP_PRIVATE, dst")), 0),
    "a file has whole pages": (but("ps3-copy", ("range(0, size, step)", "range(0, size // step * step, step)")), 0),
    "no file is empty": (but("ps3-copy", ("range(0, size, step)", "range(0, max(size, 1), step)")), 0),
    "every window is whole": (but("ps3-copy", ("memcpy(b, a, n)", "memcpy(b, a, step)")), 0),
    "each window shows the file's beginning": (but("ps3-copy", ("MAP_SHARED, src, at", "MAP_SHARED, src")), 0),
    "it is copied by read and write": ('''
def copy(proc, source, target, limit):
    src, dst = proc.open(source, O_RDONLY), proc.open(target, O_RDWR | O_CREAT | O_TRUNC)
    while data := proc.read(src, limit):
        proc.write(dst, data)
    proc.fsync(dst)
''', 0),
}  # fmt: skip
