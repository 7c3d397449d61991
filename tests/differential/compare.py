"""Play a program on a kernel, and tell what of it could be seen after each step; compare two such tales."""

import contextlib
import errno
import os
import re
import sys
import zlib

from mmlab import Kernel, MemoryFault, Process
from mmlab.fs.binfmt_elf import mm_alloc
from mmlab.kernel.fork import create_task
from mmlab.linux.stub import elf

from .observe import areas, eyes
from .overlap import overlaps
from .programs import ADDRESSES, ARENA, FOLDERS, HEAP, PAGE, PAGES, TOP

SCRATCH, HEAP_START = 0x555555400000, 0x555555555000  # where the real kernel's stub has them
LETTERS = bytes(range(65, 91)) * 200


def text(number, index, size):
    """The bytes of a page of file `number`."""
    return (b"%d.%03d " % (number, index) * (PAGE // 6 + 1))[: min(PAGE, size - index * PAGE)]


def bare(kernel):
    """Start a process that has no memory yet: the real kernel's stub has no libraries either."""
    mm = mm_alloc(kernel.machine, "program")
    mm.start_brk = mm.brk = HEAP_START
    mm.start_data, mm.end_data = HEAP_START - PAGE, HEAP_START - PAGE + len(elf())
    proc = Process(create_task(kernel.machine, "program", mm))
    proc.store(proc.mmap(SCRATCH, PAGE, 3, 0x31), b"x")  # near the heap, as the stub's own memory is
    proc.mmap(HEAP_START - PAGE, PAGE, 5, 0x31)  # as its code: no stack may come near
    proc.dup(proc.dup(proc.open("/dev/null", 2)))
    return proc


class Player:
    """A program being played on a kernel."""

    def __init__(self, kernel, program):
        self.kernel, self.program = kernel, program
        self.simulated = isinstance(kernel, Kernel)
        proc = bare(kernel) if self.simulated else kernel.spawn("program")
        self.alive, self.eyes, self.forked, self.segments, self.first = {0: proc}, {}, 1, [], None
        for number, (kind, size) in enumerate(program["files"], 3):
            self.make(proc, number, kind, size)
        shadow = program["arena"] + 511 * PAGE  # a touched page near the arena, so that its page table is there
        proc.mmap(shadow, PAGE, 3, 0x32)
        proc.store(shadow, b"x")
        starts = {0: program["arena"], HEAP: proc.brk(0), TOP: self.cork(proc) - PAGES * PAGE}
        self.starts = {number: start for number, start in starts.items() if number in (0, *program["places"])}
        self.base, self.top = program["arena"], starts[TOP] + PAGES * PAGE
        self.watch(0)

    def make(self, proc, number, kind, size):
        """Make a file, open it as that number, and write it page by page."""
        if kind == "memfd":
            assert proc.memfd_create("f", 3) == number
        else:
            assert proc.open(f"{FOLDERS[kind]}/{number}", 0o102) == number
        pages = [text(number, index, size) for index in range(-(-size // PAGE))]
        if self.simulated:
            for index, data in enumerate(pages):
                proc.pwrite(number, data, index * PAGE)
        elif pages:  # from outside, which is faster
            fd = os.open(f"/proc/{proc.pid}/fd/{number}", os.O_WRONLY)
            for index, data in enumerate(pages):
                os.pwrite(fd, data, index * PAGE)
            os.close(fd)

    def cork(self, proc):
        """Fill the highest free addresses, so that the next mapping ends at a multiple of 2 MiB on both kernels."""
        highest = proc.mmap(0, PAGE, 0, 0x21)
        if highest % (512 * PAGE):
            proc.mmap(0, highest % (512 * PAGE), 0, 0x21)
        return highest & -(512 * PAGE)

    def watch(self, number):
        """Keep an eye on a process."""
        self.eyes[number] = eyes(self.alive[number], self.program.get("look", "contents"), self.first)
        self.first = self.eyes[number].first

    def play(self):
        """Give what is seen after each step, and at the end what all memory and all files hold."""
        try:
            return [self.see(self.call(*step)) for step in self.program["steps"]] + [self.contents()]
        finally:
            if sys.exc_info()[0] is None or not self.simulated:
                self.end()

    def end(self):
        """Let nothing of the program stay."""
        first = next(iter(self.alive.values()))
        for segment in self.segments:
            with contextlib.suppress(OSError):
                first.shmctl(segment, 0)
        for number, (kind, _) in enumerate(self.program["files"], 3):
            for folder in {FOLDERS.get(kind, "/data"), *self.opened(number)}:
                with contextlib.suppress(OSError):
                    first.unlink(f"{folder}/{number}")
        for number in list(self.alive):
            self.part(number)

    def opened(self, number):
        """The folders of which the program has opened that file, and so perhaps made it."""
        paths = (step[2] for step in self.program["steps"] if step[1] == "open")
        return {os.path.dirname(path) for path in paths if path.endswith(f"/{number}")}

    def part(self, number):
        """Let a process exit."""
        self.eyes.pop(number).close()
        self.alive.pop(number).exit()

    def call(self, which, name, *arguments):
        """Make one call; give what came of it."""
        which = list(self.alive)[which % len(self.alive)]
        proc = self.alive[which]
        arguments = [
            self.address(value) if place in ADDRESSES.get(name, ()) else value
            for place, value in enumerate(arguments)
        ]
        if name in ("store", "write", "pwrite"):
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
            return f"{fault.signal} {fault.si_name} {fault.access} at {self.relative(fault.address)}"

    def address(self, value):
        """Turn a program's address into the kernel's."""
        if value < 0:
            return -value
        first = max(number for number in (0, HEAP, TOP) if number * PAGE <= value)
        return self.starts[first] + value - first * PAGE

    def relative(self, address):
        """Turn a kernel's address into the program's, which is the same on both; None if it is far from all."""
        for first, start in self.starts.items():
            if 0 <= address - start < PAGES * PAGE:
                return first * PAGE + address - start
        return None

    def fork(self, which):
        if len(self.alive) > 2:
            return "enough"
        child = self.alive[self.forked] = self.alive[which].fork()
        if self.simulated:
            child.load(SCRATCH)  # as the stub does
        self.watch(self.forked)
        self.forked += 1
        return "forked"

    def exit(self, which):
        if len(self.alive) > 1:
            self.part(which)
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
            relative = self.relative(value)
            return value if value < 1 << 30 else relative if relative is not None else f"top - {self.top - value}"
        if isinstance(value, tuple):
            return list(value)
        return None if value is None else f"{value.shm_segsz} {value.shm_nattch} {value.mode:o}"

    def see(self, result):
        """Tell what can be seen of all processes and files."""
        seen = {"result": result}
        for number, its in self.eyes.items():
            seen.update((f"{number} {what}", found) for what, found in its.see(self.starts).items())
        first = next(iter(self.eyes.values()))
        for fd in (3, 4):
            seen[f"file {fd}"] = first.file(fd)
        return seen

    def contents(self):
        """What every mapped page and every open file holds, by loading and reading them."""
        seen = {}
        for which, (number, proc) in enumerate(self.alive.items()):
            for first, end, *_ in areas(str(proc.maps()), self.starts, "")[0]:
                for page in range(first, min(end, first - first % 1000 + PAGES)):
                    seen[f"{number} page {page}"] = self.call(which, "load", page * PAGE, PAGE)
        for fd in (3, 4):
            seen[f"file {fd} contents"] = self.call(0, "pread", fd, 32 * PAGE, 0)
        return seen


def short(data):
    """Bytes in full if they are few; otherwise how many, and a checksum."""
    return data.decode("latin-1") if len(data) <= 8 else f"{len(data)} bytes {zlib.crc32(data):08x}"


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
        f"ARENA, PAGE = {program['arena']:#x}, {PAGE}",
        "kernel = Kernel()",
        'procs = [kernel.spawn("program")]',
    ]
    if HEAP in program["places"]:
        lines.append("HEAP = procs[0].brk(0)")
    if TOP in program["places"]:
        lines.append("TOP = (procs[0].mmap(0, PAGE, 0, 0x21) & -(512 * PAGE)) - 64 * PAGE  # with no gaps above TOP")
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
        words[place] = spell_address(arguments[place])
    if name == "mmap":
        words[2:4] = [hex(value) for value in arguments[2:4]]
    if name in ("store", "write", "pwrite"):
        words[1] = f"b'x' * {words[1]}"
    return f"procs[{which} % len(procs)].{name}({', '.join(words)})"


def spell_address(value):
    """Write an address as Python."""
    if value < 0:
        return hex(-value)
    page, rest = divmod(value, PAGE)
    where = "TOP" if page >= TOP else "HEAP" if page >= HEAP else "ARENA"
    return f"{where} + {page % 1000} * PAGE" + (f" + {rest}" if rest else "")


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
    if program["arena"] != ARENA:
        yield {**program, "arena": ARENA}
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
