from tests.coursework.wrong import but

WRONG = {
    "a new mapping, and everything is stored again": (but(
        "ps6-vector",
        ("            self.addr = self.proc.mremap(self.addr, self.room, room, MREMAP_MAYMOVE)",
         "            old, self.addr = self.addr, self.proc.mmap(0, room, PROT_READ | PROT_WRITE, "
         "MAP_PRIVATE | MAP_ANONYMOUS)\n"
         "            if self.length:\n"
         "                self.proc.store(self.addr, self.proc.load(old, self.length))\n"
         "            self.proc.munmap(old, self.room)")), 0),
    "a copy is kept outside, and stored again": (but(
        "ps6-vector",
        ("            self.addr = self.proc.mremap(self.addr, self.room, room, MREMAP_MAYMOVE)",
         "            self.proc.munmap(self.addr, self.room)\n"
         "            self.addr = self.proc.mmap(0, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)\n"
         "            if self.length:\n"
         "                self.proc.store(self.addr, self.all)"),
        ("        self.length += len(record)\n",
         '        self.length += len(record)\n        self.all = getattr(self, "all", b"") + record\n')), 0),
    "memcpy does it": (but(
        "ps6-vector",
        ("            self.addr = self.proc.mremap(self.addr, self.room, room, MREMAP_MAYMOVE)",
         "            old, self.addr = self.addr, self.proc.mmap(0, room, PROT_READ | PROT_WRITE, "
         "MAP_PRIVATE | MAP_ANONYMOUS)\n"
         "            self.proc.memcpy(self.addr, old, self.room)\n"
         "            self.proc.munmap(old, self.room)")), 0),
    "the place behind it is free": (but("ps6-vector", (", room, MREMAP_MAYMOVE)", ", room)")), 0),
    "the address stays": (but(
        "ps6-vector", ("            self.addr = self.proc.mremap", "            self.proc.mremap")), 0),
    "shared memory grows like any other": (but("ps6-vector", ("MAP_PRIVATE |", "MAP_SHARED |")), 0),
    "twice as much is always enough": (but(
        "ps6-vector", ("        while room < self.length", "        if room < self.length")), 0),
    "the last page is always full": (but(
        "ps6-vector",
        ("self.proc.store(self.addr + self.length, record)",
         "self.proc.store(self.addr + self.length, record.ljust(4096))")), 0),
    "each record begins a page": (but(
        "ps6-vector", ("self.length += len(record)", "self.length += -(-len(record) // 4096) * 4096")), 0),
    "as much as is needed, and no more": (but(
        "ps6-vector",
        ("        while room < self.length + len(record):\n            room *= 2\n",
         "        room = max(room, -(-(self.length + len(record)) // 4096) * 4096)\n")), 3),
    "two pages at a time": (but("ps6-vector", ("room *= 2\n", "room += 8192\n")), 3),
    "a megabyte to begin with": (but("ps6-vector", ("0, 4096", "0, 1 << 20")), 3),
    "four times as much": (but("ps6-vector", ("room *= 2\n", "room *= 4\n")), 3),
}  # fmt: skip
