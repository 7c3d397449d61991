"""What can be seen of a process and of a file, on either kernel, in the same words.

The simulation is looked at by its own tables. The real kernel is looked at from outside, through /proc and through a
mapping of the file, so that the process does not run and nothing faults. Two things would mark pages as used: they are
looked at by /proc/PID/mem only in programs that do not compare Referenced, and by a mapping that says it is MADV_RANDOM
(such mappings tell nothing when they end).
"""

import ctypes
import functools
import mmap
import os
import re
import stat
import zlib

from mmlab import linux
from mmlab.fs.task_mmu import proc_pid_status
from mmlab.include.highmem import page_bytes
from mmlab.include.pgtable import pte_offset, pte_pfn
from mmlab.linux.stub import libc

from .programs import PAGE, PAGES

LINE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) \S+ \d+ *(.*)")
FIELDS = ("Rss", "Pss", "Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty", "Anonymous", "Locked")
FIELD = re.compile(rf"^({'|'.join((*FIELDS, 'Referenced'))}): +(\d+) kB", re.MULTILINE)
BLOCKS = re.compile(r"\n(?=[0-9a-f]+-)")
VM_FLAGS = re.compile(r"^VmFlags: (.*)", re.MULTILINE)
STATUS = ("VmSize", "VmLck", "VmRSS", "RssAnon", "RssFile", "RssShmem", "VmData", "VmStk")  # what programs change
FLAGS = {
    "rd", "wr", "ex", "sh", "mr", "mw", "me", "ms", "gd", "lo", "sr", "rr", "dc", "ac", "nr", "wf", "dd", "hg", "nh",
    "mg",
}  # fmt: skip
RUN = re.compile("x+")
PRESENT = 1 << 63
MADV_COLD = 20


def eyes(proc, look, first=None):
    """Give what looks at this process; what it counts begins with what the `first` process had."""
    return Real(proc, look, first) if isinstance(proc, linux.Process) else Simulated(proc, look, first)


class Eyes:
    """What looks at a process of either kernel; `look` says at what: its memory's contents, or what was Referenced."""

    def __init__(self, proc, look, first=None):
        self.proc, self.look = proc, look
        self.before, self.first = self.faults(), first or self.status()

    def see(self, starts):
        """Tell all of a process; `starts`: number → address of the first page of what is looked at."""
        lines, fields = areas(self.smaps(starts), starts, self.look)
        words, contents = [], 0
        for number, start in starts.items():
            contents = self.pages(number, start, words, contents)
        faults = [now - before for now, before in zip(self.faults(), self.before, strict=True)]
        status = {name: kb - self.first[name] for name, kb in self.status().items()}
        seen = {"maps": lines, "smaps": fields, "pages": " ".join(words), "faults": faults, "status": status}
        if self.look == "contents":
            seen["contents"] = contents
        return seen


class Simulated(Eyes):
    """Looks at a process of the simulation."""

    def close(self):
        """Do nothing: there is nothing to give back."""

    def faults(self):
        return self.proc.task.min_flt, self.proc.task.maj_flt

    def status(self):
        return counts(proc_pid_status(self.proc.current))

    def smaps(self, starts):
        return str(self.proc.smaps())

    def pages(self, first, start, words, contents):
        """Tell of each present page its number, a letter and how often it is mapped; give the checksum, gone on."""
        mm = self.proc.current.mm
        for number in range(PAGES):
            table, i = pte_offset(mm.pgd, start + number * PAGE)
            if table is not None and table[i]:
                words.append(word(first + number, self.proc.pagemap(start + number * PAGE)))
                contents = zlib.crc32(page_bytes(mm.machine.mem_map[pte_pfn(table[i])], 0, PAGE), contents)
        return contents

    def file(self, fd):
        """Tell a file's size, which of its pages are cached, and their checksum; None if it is not open."""
        if fd not in self.proc.current.files:
            return None
        size, core, contents = self.proc.fstat(fd).st_size, self.proc.fincore(fd), 0
        tree = self.proc.current.files[fd].f_mapping.page_tree
        for index, byte in enumerate(core):
            if byte:
                contents = zlib.crc32(page_bytes(tree[index], 0, PAGE), contents)
        return [size, bits(core), contents]


class Real(Eyes):
    """Looks at a process of the real kernel, by files that it keeps open."""

    def __init__(self, proc, look, first=None):
        self.smaps_fd, self.stat_fd, self.mem_fd, self.status_fd = (
            os.open(f"/proc/{proc.pid}/{name}", os.O_RDONLY) for name in ("smaps", "stat", "mem", "status")
        )
        super().__init__(proc, look, first)

    def close(self):
        for fd in (self.smaps_fd, self.stat_fd, self.mem_fd, self.status_fd):
            os.close(fd)

    def faults(self):
        fields = os.pread(self.stat_fd, 4096, 0).rpartition(b")")[2].split(None, 10)
        return int(fields[7]), int(fields[9])

    def status(self):
        return counts(os.pread(self.status_fd, 4096, 0).decode())

    def smaps(self, starts):
        """Give the text as far as it is looked at: the program itself lies above the arena."""
        if self.look == "referenced":
            drain()
        text, end = bytearray(), b"\n555555" if len(starts) == 1 else b"[stack]"
        while (piece := os.pread(self.smaps_fd, 1 << 16, len(text))) and end not in text:
            text += piece
        return self.proc.kernel.unpath(text.decode())

    def pages(self, first, start, words, contents):
        states = self.proc.pages(start, PAGES)
        words += [word(number, state) for number, state in enumerate(states, first) if state.present]
        for run in RUN.finditer(bits(state.present for state in states)) if self.look == "contents" else ():
            data = os.pread(self.mem_fd, len(run[0]) * PAGE, start + run.start() * PAGE)
            contents = zlib.crc32(data, contents)
        return contents

    def file(self, fd):
        try:
            mine = os.open(f"/proc/{self.proc.pid}/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        try:
            found = os.fstat(mine)
            if not stat.S_ISREG(found.st_mode) or not found.st_size:
                return [found.st_size, "", 0]
            return [found.st_size, *cached(mine, found.st_size)]
        finally:
            os.close(mine)


@functools.cache
def scratch():
    """A page to give advice on."""
    return libc().mmap(None, PAGE, mmap.PROT_READ, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)


def drain():
    """Let the pages that this processor gathers move to their lists, and their flags follow: MADV_COLD begins so."""
    libc().madvise(ctypes.c_size_t(scratch()), ctypes.c_size_t(PAGE), MADV_COLD)


def cached(fd, size):
    """Tell which pages of a file are cached, and their checksum, by a mapping that reads only those."""
    view = libc().mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)
    libc().madvise(ctypes.c_size_t(view), ctypes.c_size_t(size), mmap.MADV_RANDOM)
    core, contents = (ctypes.c_ubyte * -(-size // PAGE))(), 0
    libc().mincore(view, size, core)
    found = bits(byte & 1 for byte in core)
    for run in RUN.finditer(found):
        contents = zlib.crc32(ctypes.string_at(view + run.start() * PAGE, len(run[0]) * PAGE), contents)
    libc().munmap(view, size)
    return found, contents


def word(number, state):
    """Write down a present page."""
    kind = "Z" if state.zero else "F" if state.file else "A"
    return f"{number}{kind}" + (f"{state.mapcount}" if state.mapcount is not None else "?")


def counts(text):
    """Read /proc/PID/status, in kB."""
    return {name: int(text.split(f"\n{name}:\t")[1].split(None, 1)[0]) for name in STATUS}


def bits(core):
    """One mark for each page: x if it is there."""
    return "".join("x" if byte else "." for byte in core)


def areas(report, starts, look):
    """Read smaps: the VMAs of the arena (and what else is looked at) as lines of maps, and what of them is added up."""
    found = [area(block, look) for block in BLOCKS.split(report)]
    lines, fields = [], []
    for number, start in starts.items():
        for (first, end, *rest), counts in found:
            if start <= first < start + PAGES * PAGE:
                page = number + (first - start) // PAGE
                lines.append([page, page + (end - first) // PAGE, *rest])
                fields.append(f"{page}: {counts}")
    return lines, fields


@functools.lru_cache(8192)
def area(block, look):
    """Read what smaps says of one VMA."""
    match = LINE.match(block)
    if not match:
        return (0, 0), None
    counts = [f"{name} {kb}" for name, kb in FIELD.findall(block) if name != "Referenced" or look == "referenced"]
    flags = [flag for flag in VM_FLAGS.search(block + "\nVmFlags: ")[1].split() if flag in FLAGS]
    line = int(match[1], 16), int(match[2], 16), match[3], int(match[4], 16) // PAGE, match[5]
    return line, " ".join(counts + flags)
