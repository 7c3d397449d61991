"""The text of /proc/PID/maps, turned into what the kernel's objects say."""

from mmlab import (
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDWR,
    PAGE_SIZE,
    PROT_EXEC,
    PROT_NONE,
    PROT_READ,
    Kernel,
)
from mmlab.check import vmas
from mmlab.coursework.checks import RW
from mmlab.coursework.problem import Part, Work, Wrong

from .common import ANON, HERE

COLUMNS = (("start", "end"), ("perms", "offset", "dev", "inode"), ("name",))


def busy_process(rng):
    """A process with files of all sorts of names mapped, some of them deleted."""
    proc = Kernel().spawn("reader")
    names = ["my notes.txt", "two  blanks.txt", "plain.txt", "0.txt", "x (deleted)"]
    for _ in range(rng.randint(1, 9)):
        proc.open(f"/data/{rng.random()}", O_RDWR | O_CREAT)  # the next inode's number is larger
    for name in rng.sample(names, len(names)):
        path = f"/data/{name}"
        fd = proc.open(path, O_RDWR | O_CREAT)
        prot = rng.choice([PROT_NONE, PROT_READ, RW, PROT_READ | PROT_EXEC])
        kind, pages = rng.choice([MAP_SHARED, MAP_PRIVATE]), rng.randint(1, 40)
        proc.mmap(0, pages * PAGE_SIZE, prot, kind, fd, rng.randint(10, 99) * PAGE_SIZE)
        if rng.random() < 0.5:
            proc.unlink(path)
    proc.mmap(HERE, PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS)
    proc.mmap(0, 3 * PAGE_SIZE, PROT_READ, ANON)
    return proc


def areas_of(proc):
    """What the kernel's objects say of each line; the name as maps has it."""
    found = []
    for vma, line in zip(vmas(proc.task.mm), str(proc.maps()).splitlines(), strict=True):
        file = vma.vm_file
        major, minor = file.f_path.d_inode.i_sb.s_dev if file else (0, 0)
        found.append({
            "start": vma.vm_start, "end": vma.vm_end, "perms": vma.perms, "dev": f"{major:02x}:{minor:02x}",
            "offset": vma.vm_pgoff * PAGE_SIZE if file else 0, "inode": file.f_path.d_inode.i_ino if file else 0,
            "name": line[73:],
        })  # fmt: skip
    return found


def check(work: Work):
    right = set(COLUMNS)
    for _ in range(5):
        proc = busy_process(work.rng)
        answer, expected = work.call("parse_maps", str(proc.maps()), kind=list), areas_of(proc)
        if len(answer) != len(expected):
            raise Wrong(f"A text of {len(expected)} lines gave {len(answer)} dicts.")
        for columns in COLUMNS:
            if any(mine[name] != his.get(name) or type(mine[name]) is not type(his[name])
                   for mine, his in zip(expected, answer, strict=True) for name in columns):  # fmt: skip
                right.discard(columns)
    if len(right) < len(COLUMNS):
        missed = [name for columns in COLUMNS if columns not in right for name in columns]
        raise Wrong(f"One of these is not right in every line: {', '.join(missed)}.", len(right) / len(COLUMNS))


PART = Part(
    "parse", "code", 3, "Read /proc/PID/maps",
    """
Write `parse_maps(text)`, where `text` is what `/proc/PID/maps` of some process holds. It returns a list with one
`dict` for each line, in order, with these keys:

| key | type | what |
|---|---|---|
| `"start"`, `"end"` | `int` | the first address, and the first one after the range |
| `"perms"` | `str` | four letters, as in the line |
| `"offset"` | `int` | in bytes |
| `"dev"` | `str` | as in the line, such as `"fe:00"` |
| `"inode"` | `int` | the number in this column, which, unlike the others, is decimal |
| `"name"` | `str` | the name exactly as it stands there, or `""` |

A file's name can hold blanks, also several in a row. One point for `start` and `end`, one for the next four keys,
one for `name`; each has to be right in every line.
""",
    starter="def parse_maps(text):\n    ...",
    solution="""
def parse_maps(text):
    areas = []
    for line in text.splitlines():
        range_, perms, offset, dev, inode, *name = line.split(None, 5)
        start, end = range_.split("-")
        areas.append({
            "start": int(start, 16), "end": int(end, 16), "perms": perms, "offset": int(offset, 16), "dev": dev,
            "inode": int(inode), "name": name[0] if name else "",
        })
    return areas
""",
    example="""
text = "10000000-10003000 r--p 00012000 fe:00 31                                 /data/a file\\n"
answer = parse_maps(text + "10003000-10004000 rw-p 00000000 00:00 0 \\n")
if answer is None:
    raise NotImplementedError
expected = {"start": 0x10000000, "end": 0x10003000, "perms": "r--p", "offset": 0x12000, "dev": "fe:00", "inode": 31}
assert answer[0] == expected | {"name": "/data/a file"}, f"the first line is not {answer[0]}"
assert answer[1]["name"] == "", "the second line has no name"
""",
    check=check,
)  # fmt: skip
