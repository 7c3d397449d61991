"""Play a program on a kernel, and tell what of it could be seen after each step; compare two such tales."""

import contextlib
import errno
import re
import sys
import zlib

from mmlab import Kernel, MemoryFault

from .overlap import overlaps
from .programs import ADDRESSES, ARENA, FOLDERS, PAGE, PAGES, SMAPS

LINE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) \S+ \d+ *(.*)")
FIELDS = ("Rss", "Pss", "Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty", "Anonymous", "Locked")
FLAGS = {"rd", "wr", "ex", "sh", "mr", "mw", "me", "ms", "gd", "lo", "sr", "rr", "dc", "ac", "nr", "wf", "dd"}
LETTERS = bytes(range(65, 91)) * 200
SHADOW = ARENA + (PAGES * 8 - 1) * PAGE  # a touched page, so that the arena always has its page table


def text(number, index, size):
    """The bytes of a page of file `number`."""
    return (b"%d.%03d " % (number, index) * (PAGE // 6 + 1))[: min(PAGE, size - index * PAGE)]


class Player:
    """A program being played on a kernel."""

    def __init__(self, kernel, program):
        self.kernel, self.program = kernel, program
        self.alive = {0: kernel.spawn("program")}
        self.forked, self.segments = 1, []
        proc = self.alive[0]
        for number, (kind, size) in enumerate(program["files"], 3):
            self.make(proc, number, kind, size)
        if isinstance(kernel, Kernel):
            bare(proc)
        proc.mmap(SHADOW, PAGE, 3, 0x32)
        proc.store(SHADOW, b"x")
        self.before = {0: proc.getrusage()}

    def make(self, proc, number, kind, size):
        """Make a file, and open it as that number."""
        if kind == "memfd":
            assert proc.memfd_create("f", 3) == number
        else:
            path = f"{FOLDERS[kind]}/{number}"
            with contextlib.suppress(FileNotFoundError):
                proc.unlink(path)
            assert proc.open(path, 0o102) == number
        for index in range(-(-size // PAGE)):
            proc.pwrite(number, text(number, index, size), index * PAGE)

    def play(self):
        """Give what is seen after each step, and at the end what all memory and all files hold."""
        try:
            return [self.see(self.call(*step)) for step in self.program["steps"]] + [self.contents()]
        finally:
            if sys.exc_info()[0] is None or not isinstance(self.kernel, Kernel):
                self.end()

    def end(self):
        """Let nothing of the program stay."""
        for number, proc in list(self.alive.items()):
            if number == min(self.alive):
                for segment in self.segments:
                    with contextlib.suppress(OSError):
                        proc.shmctl(segment, 0)
                for path in FOLDERS.values():
                    for name in (3, 4):
                        with contextlib.suppress(OSError):
                            proc.unlink(f"{path}/{name}")
            proc.exit()

    def call(self, which, name, *arguments):
        """Make one call; give what came of it."""
        which = list(self.alive)[which % len(self.alive)]
        proc = self.alive[which]
        arguments = [
            (ARENA + value if value >= 0 else -value) if place in ADDRESSES.get(name, ()) else value
            for place, value in enumerate(arguments)
        ]
        if name in ("store", "pwrite"):
            arguments[1] = LETTERS[which * 7 :][: arguments[1]]
        if name in ("fork", "exit"):
            return getattr(self, name)(which)
        if name in ("shmat", "shmctl"):
            arguments[0] = self.segments[arguments[0]] if arguments[0] < len(self.segments) else -1
        if name in ("sys_read", "sys_write") and overlaps(proc, name, *arguments):
            return "the same bytes"
        try:
            result = getattr(proc, name)(*arguments)
            return self.segment(result) if name == "shmget" else self.value(result)
        except OSError as error:
            return errno.errorcode[error.errno]
        except MemoryFault as fault:
            return f"{fault.signal} {fault.si_name} {fault.access} at {fault.address - ARENA:#x}"

    def fork(self, which):
        if len(self.alive) > 2:
            return "enough"
        child = self.alive[which].fork()
        self.alive[self.forked] = child
        self.before[self.forked] = child.getrusage()
        self.forked += 1
        return "forked"

    def exit(self, which):
        if len(self.alive) > 1:
            self.alive.pop(which).exit()
        return "exited"

    def segment(self, number):
        """Count System V segments from 0, for their numbers differ."""
        if number not in self.segments:
            self.segments.append(number)
        return self.segments.index(number)

    def value(self, value):
        """Put a result so that it is the same on both kernels."""
        if isinstance(value, bytes):
            return short(value)
        if isinstance(value, int):
            relative = value - ARENA
            return value if value < 1 << 30 else relative if 0 <= relative < PAGES * PAGE else "elsewhere"
        if isinstance(value, tuple):
            return list(value)
        return None if value is None else f"{value.shm_segsz} {value.shm_nattch} {value.mode:o}"

    # ── what can be seen ────────────────────────────────────────────────────────────────────────────────────

    def see(self, result):
        seen = {"result": result}
        for number, proc in self.alive.items():
            seen[f"{number} maps"] = maps(str(proc.maps()))
            now, before = proc.getrusage(), self.before[number]
            seen[f"{number} faults"] = [now.ru_minflt - before.ru_minflt, now.ru_majflt - before.ru_majflt]
            seen[f"{number} pages"] = " ".join(self.pages(proc))
            if SMAPS:
                seen[f"{number} smaps"] = smaps(str(proc.smaps()))
        proc = next(iter(self.alive.values()))
        for fd in (3, 4):
            with contextlib.suppress(OSError):
                seen[f"file {fd}"] = [proc.fstat(fd).st_size, bits(proc.fincore(fd))]
        return seen

    def pages(self, proc):
        """One word for each present page: its number, a letter, and how often it is mapped."""
        if hasattr(proc, "pages"):
            states = proc.pages(ARENA, PAGES)
        else:
            states = (proc.pagemap(ARENA + page * PAGE) for page in range(PAGES))
        for number, state in enumerate(states):
            if state.present:
                kind = "Z" if state.zero else "F" if state.file else "A"
                yield f"{number}{kind}" + (f"{state.mapcount}" if state.mapcount is not None else "?")

    def contents(self):
        """What every mapped page and every open file holds, by loading and reading them."""
        seen = {}
        for number, proc in self.alive.items():
            for first, end, *_ in maps(str(proc.maps())):
                for page in range(first, min(end, PAGES)):
                    seen[f"{number} page {page}"] = self.call(list(self.alive).index(number), "load", page * PAGE, PAGE)
        for fd in (3, 4):
            seen[f"file {fd} contents"] = self.call(0, "pread", fd, 32 * PAGE, 0)
        return seen


def bare(proc):
    """Unmap the program and its libraries, which only make smaps slow: the real kernel's stub has none."""
    for start, end in [line.split()[0].split("-") for line in str(proc.maps()).splitlines()]:
        proc.munmap(int(start, 16), int(end, 16) - int(start, 16))


def short(data):
    """Bytes in full if they are few; otherwise how many, and a checksum."""
    return data.decode("latin-1") if len(data) <= 8 else f"{len(data)} bytes {zlib.crc32(data):08x}"


def bits(core):
    """One mark for each page: x if it is there."""
    return "".join("x" if byte else "." for byte in core)


def maps(report):
    """The lines of the arena: first page, end page, permissions, file page, name."""
    found = []
    for line in report.splitlines():
        match = LINE.match(line)
        if match and ARENA <= (start := int(match[1], 16)) < ARENA + PAGES * PAGE:
            end = (int(match[2], 16) - ARENA) // PAGE
            found.append([(start - ARENA) // PAGE, end, match[3], int(match[4], 16) // PAGE, match[5]])
    return found


def smaps(report):
    """The fields of each VMA of the arena, as one string."""
    found, inside = [], False
    for line in report.splitlines():
        name, _, rest = line.partition(":")
        if match := LINE.match(line):
            inside = ARENA <= int(match[1], 16) < ARENA + PAGES * PAGE
            if inside:
                found.append(f"{(int(match[1], 16) - ARENA) // PAGE}:")
        elif inside and name in FIELDS:
            found[-1] += f" {name} {rest.split()[0]}"
        elif inside and name == "VmFlags":
            found[-1] += " " + " ".join(flag for flag in rest.split() if flag in FLAGS)
    return found


# ── comparing ───────────────────────────────────────────────────────────────────────────────────────────────


def play(kernel, program):
    """Play a program to its end on a kernel; give the tale."""
    return Player(kernel, program).play()


def first_difference(here, there):
    """Where two tales differ first: step, what, and both sides of it; None if they don't."""
    for number, (left, right) in enumerate(zip(here, there, strict=True)):
        for what in {**left, **right}:
            if left.get(what) != right.get(what) and not hidden(left.get(what), right.get(what)):
                return number, what, left.get(what), right.get(what)
    return None


def hidden(left, right):
    """Tell whether two words of pages differ only where the real kernel hides how often a page is mapped."""
    if not (isinstance(right, str) and "?" in right):
        return False
    return re.sub(r"([ZFA])\S+", r"\1", left) == re.sub(r"([ZFA])\S+", r"\1", right)


def script(program):
    """Write a program as Python that runs on both kernels."""
    lines = [
        "from mmlab import Kernel  # or: from mmlab.linux import Kernel",
        f"ARENA, PAGE = {ARENA:#x}, {PAGE}",
        "kernel = Kernel()",
        'procs = [kernel.spawn("program")]',
    ]
    for number, (kind, size) in enumerate(program["files"], 3):
        made = f'open("{FOLDERS[kind]}/{number}", 0o102)' if kind in FOLDERS else 'memfd_create("f", 3)'
        lines.append(f"procs[0].{made}  # {number}, then {size} bytes of text, page by page")
    return "\n".join(lines + [spell(step) for step in program["steps"]])


def spell(step):
    """Write one step as Python."""
    which, name, *arguments = step
    if name == "fork":
        return f"procs.append(procs[{which} % len(procs)].fork())"
    words = [f"{value:#o}" if name == "open" and place else repr(value) for place, value in enumerate(arguments)]
    for place in ADDRESSES.get(name, ()):
        value = arguments[place]
        page, rest = divmod(value, PAGE)
        words[place] = (f"ARENA + {page} * PAGE" + (f" + {rest}" if rest else "")) if value >= 0 else hex(-value)
    if name == "mmap":
        words[2:4] = [hex(value) for value in arguments[2:4]]
    if name in ("store", "pwrite"):
        words[1] = f"b'x' * {words[1]}"
    return f"procs[{which} % len(procs)].{name}({', '.join(words)})"


def shrink(program, fails):
    """Give the smallest program that still `fails`: leave out what can be left out, make smaller what can be."""
    again = True
    while again:
        again = False
        for smaller in smaller_programs(program):
            if fails(smaller):
                program, again = smaller, True
                break
    return program


def smaller_programs(program):
    """Give each program that is one thing less than this one."""
    steps = program["steps"]
    for width in (8, 4, 2, 1):
        for at in range(len(steps) - width + 1):
            yield {**program, "steps": steps[:at] + steps[at + width :]}
    for index, (kind, size) in enumerate(program["files"]):
        for smaller in {0, PAGE, size // PAGE * PAGE} - {size}:
            if smaller < size:
                files = [list(file) for file in program["files"]]
                files[index] = [kind, smaller]
                yield {**program, "files": files}
    for at, step in enumerate(steps):
        for place in range(len(step)):
            for value in smaller_values(step, place):
                yield {**program, "steps": [*steps[:at], [*step[:place], value, *step[place + 1 :]], *steps[at + 1 :]]}


def smaller_values(step, place):
    """Give smaller values of one of a step's numbers: fewer pages, fewer flags."""
    value, name = step[place], step[1]
    if not isinstance(value, int) or value <= 0 or (name, place) in (("open", 3), ("madvise", 4), ("mmap", 6)):
        return
    if name == "mmap" and place == 5:
        yield from (value & ~flag for flag in (0x8000, 0x4000, 0x2000, 0x100000) if value & flag)
    elif value >= PAGE:
        yield from (smaller for smaller in (PAGE, value // PAGE // 2 * PAGE, value - PAGE) if smaller < value)
    elif place == 0 or (name in ("store", "load", "pread", "pwrite") and value > 1):
        yield value - 1 if place == 0 else 1
