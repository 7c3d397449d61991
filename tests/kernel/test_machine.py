"""What if the machine is another one, or is booted twice, or where nothing is installed?"""

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import mmlab
from mmlab import MAP_ANONYMOUS, MAP_SHARED, O_RDWR, Kernel
from tests.kernel.helpers import MEMORY, PAGE, RW, at, map_at

PACKAGE = Path(mmlab.__file__).parent
ROOT = PACKAGE.parent
ROOMS = ("include", "lib", "mm", "fs", "arch", "drivers", "kernel", "ipc")


# ── options ─────────────────────────────────────────────────────────────────────────────────────────────────

WRONG_OPTIONS = [
    ({"mem": 1 << 20}, ValueError, "mem = 1048576 bytes: a machine needs 16 MiB"),
    ({"mem": -1}, ValueError, "mem = -1"),
    ({"mem": "4G"}, TypeError, "mem must be an integer, not str"),
    ({"mem": 4e9}, TypeError, "mem must be an integer, not float"),
    ({"max_map_count": -1}, ValueError, "max_map_count = -1"),
    ({"max_map_count": None}, TypeError, "max_map_count must be an integer"),
    ({"fault_around_bytes": 0}, ValueError, "fault_around_bytes = 0: must be from 4096"),
    ({"fault_around_bytes": 4 << 20}, ValueError, "fault_around_bytes = 4194304: must be from 4096"),
    ({"mmap_min_addr": -4096}, ValueError, "mmap_min_addr = -4096"),
    ({"overcommit_memory": 3}, ValueError, "overcommit_memory = 3: must be 0, 1 or 2"),
    ({"overcommit_memory": -1}, ValueError, "overcommit_memory = -1: must be 0, 1 or 2"),
    ({"memory": 1 << 30}, TypeError, "memory"),
]


@pytest.mark.parametrize(("options", "kind", "text"), WRONG_OPTIONS)
def test_what_if_an_option_is_wrong(options, kind, text):
    with pytest.raises(kind, match=text):
        Kernel(**options)


def test_what_if_the_machine_is_small():
    kernel = Kernel(mem=16 << 20)
    assert kernel.meminfo()["MemTotal"] == 16 << 10
    assert kernel.spawn("reader").pid == 1


def test_what_if_the_lowest_address_is_higher():
    kernel = Kernel(mmap_min_addr=1 << 20)
    proc = kernel.spawn("nobody")
    proc.task.uid = 1000
    assert proc.mmap(PAGE, PAGE, RW, MEMORY) == 1 << 20


# ── determinism ─────────────────────────────────────────────────────────────────────────────────────────────

SCRIPT = """
from mmlab import *
kernel = Kernel()
with kernel.trace() as trace:
    proc, other = kernel.spawn("first"), kernel.spawn("second")
    fd = proc.open("/data/book.txt", O_RDWR)
    addr = proc.mmap(0, 20480, PROT_READ | PROT_WRITE, MAP_SHARED, fd)
    for page in range(5):
        proc.store(addr + page * 4096, proc.load(addr, 9))
    for n in range(8):
        proc.mmap(0, 4096 * n + 1, PROT_READ, [MAP_SHARED, MAP_PRIVATE][n % 2] | MAP_ANONYMOUS)
    proc.munmap(addr + 4096, 8192)
    other.exit()
kernel.check()
print(proc.maps(), kernel.meminfo(), kernel.vmstat(), trace, kernel.machine.free_pfns, sep="\\n")
"""


def run(script, *options, **environment):
    command = [sys.executable, *options, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_if_the_same_is_done_twice():
    """Under different seeds of Python's hashes: nothing a learner sees depends on them, nor on where objects lie."""
    first, second = (run(SCRIPT, PYTHONHASHSEED=seed) for seed in ("1", "2"))
    assert first == second
    assert len(first.splitlines()) > 500


# ── where nothing is installed ──────────────────────────────────────────────────────────────────────────────

ALONE = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from mmlab import *
kernel = Kernel()
with kernel.trace():
    proc = kernel.spawn("alone")
    proc.load(proc.mmap(0, 4096, PROT_READ, MAP_SHARED, proc.open("/data/book.txt", O_RDONLY)), 5)
kernel.check()
names = {{name.partition(".")[0] for name in sys.modules}}
print(sorted(names - sys.stdlib_module_names - {{"mmlab", "__main__"}}))
print(sorted(name for name in sys.modules if name.startswith(("mmlab.views", "mmlab.setup"))))
"""


def test_what_if_only_the_standard_library_is_there():
    assert run(ALONE, "-I", "-S") == "[]\n[]\n"


# ── the house ───────────────────────────────────────────────────────────────────────────────────────────────


def layers():
    """The rooms, from top to bottom, as pyproject.toml tells import-linter."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (found,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    return [[name.strip() for name in layer.split("|")] for layer in found]


def modules(folder):
    names = sorted(path.stem for path in (PACKAGE / folder).glob("*.py"))
    return [f"mmlab.{folder}.{name}" for name in names if name != "__init__"]


def test_what_if_a_room_is_added():
    """It must be given a layer, and a line in the list of its folder."""
    placed = [name for layer in layers() for name in layer]
    assert len(placed) == len(set(placed))
    for folder in ROOMS:
        missing = [name for name in modules(folder) if name not in placed and f"mmlab.{folder}" not in placed]
        assert missing == []
    for folder in ("include", "mm", "fs", "arch", "kernel", "ipc"):
        listed = (PACKAGE / folder / "__init__.py").read_text()
        assert [name for name in modules(folder) if f"{name.rpartition('.')[2]}.py" not in listed] == []


def test_what_if_the_list_of_mm_is_read_from_top_to_bottom():
    """Each room depends only on the rooms above it, as the list says."""
    text = (PACKAGE / "mm" / "__init__.py").read_text()
    order = [line.split()[0][:-3] for line in text.splitlines() if line.startswith("    ")]
    level = {name: number for number, layer in enumerate(layers()) for name in layer}
    levels = [level[f"mmlab.mm.{name}"] for name in order]
    assert levels == sorted(levels, reverse=True)


def functions():
    for folder in ROOMS:
        for path in sorted((PACKAGE / folder).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef):
                    yield f"{folder}/{path.name}:{node.name}", node


def test_what_if_a_function_grows():
    """A learner steps through it: it fits on a screen, and says what it does."""
    assert [name for name, node in functions() if node.end_lineno - node.lineno >= 40] == []
    silent = [name for name, node in functions() if not ast.get_docstring(node)]
    assert [name for name in silent if not name.endswith(("__init__", "__repr__"))] == []


# ── kernel.check() itself ───────────────────────────────────────────────────────────────────────────────────


def broken(kernel, proc):
    """Ways to break one field, each with its repair."""
    mm, machine = proc.task.mm, kernel.machine
    vma = mm.mmap
    while vma.vm_start < at(0):
        vma = vma.vm_next
    file = vma.vm_file
    page = file.f_mapping.page_tree[0]
    table = next(table for table in mm.pgd.values() if table.start <= at(0) < table.start + (2 << 20))
    index = (at(0) >> 12) & 511
    return [
        (vma, "vm_pgoff"), (vma, "vm_end"), (mm, "map_count"), (mm, "total_vm"), (mm, "nr_ptes"), (file, "f_count"),
        (file.f_mapping, "i_mmap_writable"), (page, "_count"), (page, "_mapcount"), (page, "index"),
        (file.f_path.d_inode, "i_count"), (file.f_path.d_inode, "i_writecount"), (machine, "vm_committed_as"),
        *((machine.vm_stat, name) for name in machine.vm_stat if name.startswith("nr_")),
        *((machine.slabinfo, name) for name in machine.slabinfo),
        *((mm.rss_stat, name) for name in mm.rss_stat),
    ], (table, index)  # fmt: skip


def test_what_if_any_one_field_is_wrong(kernel, proc):
    """check() sees it: a counter that is off by one, a page at the wrong place, a PTE that allows too much."""
    map_at(proc, 0, 2, RW, MAP_SHARED, proc.open("/data/book.txt", O_RDWR))
    map_at(proc, 8, 2, RW, MAP_SHARED | MAP_ANONYMOUS)
    proc.store(at(0), b"#")
    proc.store(at(8), b"#")
    fields, (table, index) = broken(kernel, proc)
    for owner, field in fields:
        entry = isinstance(owner, dict)
        get, put = (owner.get, owner.__setitem__) if entry else (owner.__getattribute__, owner.__setattr__)
        value = get(field)
        put(field, value + (PAGE if field == "vm_end" else 1))
        with pytest.raises(AssertionError):
            kernel.check()
        put(field, value)
        kernel.check()
    for wrong in (table[index] + PAGE, 0):
        table[index], right = wrong, table[index]
        with pytest.raises(AssertionError):
            kernel.check()
        table[index] = right
