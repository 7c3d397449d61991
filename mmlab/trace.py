"""Recording what the kernel does, as ftrace does: without a line about it in the kernel's rooms.

ftrace patches the entry of each function while a trace runs. So does this: entering `kernel.trace()` replaces each
kernel function by one that records its call, and gives the kernel's objects a `__setattr__` that records each change;
leaving puts everything back. While no trace runs, tracing costs nothing.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from importlib import import_module
from itertools import islice
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple, cast

from .include import fs, mm, mm_types, mmzone, pgtable, pipe_fs_i, sched, shm, shmem_fs
from .include.array import array
from .include.highmem import page_bytes, write_page_bytes
from .include.mm import VM_FAULT_NAMES, vm_flag_names
from .include.mman import flag_names, map_names, prot_names
from .include.pgtable import pte_perms, pte_pfn
from .mm.memory import ZERO_PFN

# ── what is recorded ────────────────────────────────────────────────────────────────────────────────────────


class Call(NamedTuple):
    """A kernel function was entered with these arguments."""

    function: FunctionType
    args: tuple[Any, ...]


class Return(NamedTuple):
    """The function gave its result."""

    function: FunctionType
    result: Any


class Failure(NamedTuple):
    """The function raised: OSError is a kernel error, a MemoryFault a signal."""

    function: FunctionType
    error: BaseException


class Change(NamedTuple):
    """A field of a kernel object changed from `old` to `new`, at this line of this function, in this file."""

    owner: Any
    field: Any
    old: Any
    new: Any
    function: str
    line: int
    file: str

    def __str__(self) -> str:
        return show_change(self)


Event = Call | Return | Failure | Change

ROOMS = (
    *("mmlab.include.fs", "mmlab.mm.", "mmlab.fs.", "mmlab.drivers.", "mmlab.arch.", "mmlab.kernel.", "mmlab.ipc."),
    "mmlab.lib.iov_iter",
)
USERS = (*ROOMS, "mmlab.process", "mmlab.machine")  # where the rooms' functions are called from
ALSO: tuple[Any, ...] = (mm.vm_get_page_prot,)  # of a header here, of mm/mmap.c in the kernel
OBJECTS = (
    *(mm_types.page, mm_types.anon_vma, mm_types.vm_area_struct, mm_types.mm_struct, mm_types.rb_root),
    *(fs.address_space, fs.inode, fs.dentry, fs.file, fs.super_block, mmzone.machine, sched.task_struct),
    *(shm.shmid_kernel, shm.shm_file_data, shm.ipc_ids),
    *(pipe_fs_i.pipe_inode_info, pipe_fs_i.pipe_buffer, shmem_fs.shmem_inode_info),
)
ARRAYS = (pgtable.pte_table, pgtable.pgd_t, mm_types.counters, array, fs.radix_tree, fs.interval_tree)
TABLES = (fs.file_operations, fs.address_space_operations, fs.file_system_type, mm.vm_operations_struct)
NOTRACE = {  # helpers that are macros or inline in the kernel, or that it does not have
    *("file_inode", "last_page", "last_vma", "vma_below", "vm_start_gap", "hint_is_free"),
    *("is_data_mapping", "over_limit"),
    *("page_bytes", "write_page_bytes", "vm_normal_page", "mm_counter", "mm_counter_file"),
    *("fget_raw", "shmem_file", "mapping_unevictable", "page_lru", "add_page_to_lru_list", "del_page_from_lru_list"),
    *("access_ok", "check_seekable", "check_seals", "memfd_info", "iov_iter_advance", "iov_iter_revert"),
    *("maybe_mkwrite", "get_page", "translate", "elf_pages", "OPEN_FMODE", "d_path", "get_vma_name", "show_map_vma"),
}
ANSWERS = {  # function → the field that its result is for
    "calc_vm_prot_bits": "vm_flags",
    "calc_vm_flag_bits": "vm_flags",
    "file_vm_flags": "vm_flags",
    "memfd_check_seals_mmap": "vm_flags",
    "vm_get_page_prot": "vm_page_prot",
}
TREE_LINKS = {"rb_left", "rb_right", "rb_parent", "rb_red", "rb_node"}
MISSING = object()


# ── recording ───────────────────────────────────────────────────────────────────────────────────────────────


class Trace:
    """What one machine's kernel did while this context manager was entered.

    `events` in order: Call, Return or Failure, Change. str() is the call tree, as ftrace's function_graph draws it.

    >>> from mmlab import Kernel, MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ
    >>> kernel = Kernel()
    >>> proc = kernel.spawn("reader")
    >>> with kernel.trace() as trace:
    ...     addr = proc.mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS)
    >>> trace.functions()[:4]
    ['sys_mmap', 'vm_mmap_pgoff', 'do_mmap', 'round_hint_to_min']
    """

    def __init__(self, machine: mmzone.machine, events: Iterable[Event] = ()) -> None:
        self.machine = machine
        self._recorded: list[Any] = []
        self._events = list(events)

    @property
    def events(self) -> list[Event]:
        """Give what has happened so far. (It is recorded as one flat list, which costs least; here it gets names.)"""
        self._events += named(iter(self._recorded))
        self._recorded.clear()
        return self._events

    def clear(self) -> None:
        """Forget what was recorded so far."""
        self._recorded.clear()
        self._events.clear()

    def __enter__(self) -> Trace:
        if self.machine in _active:
            raise RuntimeError("this kernel is being traced already: leave that trace first")
        if not _active:
            _patch()
        _active[self.machine] = self
        return self

    def __exit__(self, *exc: object) -> None:
        del _active[self.machine]
        if not _active:
            _unpatch()

    def explore(self, picture: Callable[..., Any] | None = None, *args: Any, **options: Any) -> Any:
        """Give the widget that steps through this trace, forwards and backwards: mmlab.views.explorer.Explorer.

        `picture(*args)` draws each step, args being the machine's processes, its Kernel, addresses; without one the
        objects behind the mapping that the step concerns are drawn. `at`: the step to begin with, a number or a name.
        """
        # by name, and only when asked for: the simulation knows nothing of widgets
        return import_module("mmlab.views.explorer").Explorer(self, picture, *args, **options)

    def functions(self) -> list[str]:
        """Give the names of the functions entered, in order."""
        return [event.function.__name__ for event in self.events if isinstance(event, Call)]

    def changes(self) -> list[Change]:
        """Give every change of a kernel object, in order."""
        return [event for event in self.events if isinstance(event, Change)]

    def text(self, *, changes: bool = True, tree_links: bool = False) -> str:
        """Draw the call tree; with what changed, and, if asked for, the red-black tree's links too."""
        shown = (e for e in self.events if not isinstance(e, Change) or (changes and wanted(e, tree_links)))
        return "\n".join(draw(shown))

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__


_active: dict[mmzone.machine, Trace] = {}
_undo: list[Callable[[], None]] = []


@dataclass
class _Recorder:
    """Where the running kernel function is recorded, if it is: the extend method of its trace's list."""

    record: Callable[[tuple[Any, ...]], None] | None = None


_now = _Recorder()


def is_recording(trace: Trace) -> bool:
    """Tell whether the trace is being entered just now."""
    return trace in _active.values()


@functools.cache
def recorded(function: FunctionType) -> Callable[..., Any]:
    """Make a function that does what `function` does, and records it if its machine is traced."""

    @functools.wraps(function)
    def traced(*args: Any, **kwargs: Any) -> Any:
        record = _now.record
        if record is None:
            return enter(traced, function, args, kwargs)
        record((Call, function, (*args, *kwargs.values()) if kwargs else args))
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            record((Failure, function, error))
            raise
        record((Return, function, result))
        return result

    return traced


def enter(traced: Callable[..., Any], function: FunctionType, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call the kernel from outside: recorded, if the machine of the first argument is traced."""
    trace = _active.get(getattr(args[0], "machine", args[0])) if args else None
    if trace is None:
        return function(*args, **kwargs)
    _now.record = trace._recorded.extend
    try:
        return traced(*args, **kwargs)
    finally:
        _now.record = None


def record_change(owner: Any, field: Any, old: Any, new: Any) -> None:
    """Record a change that the caller's caller makes; setting a field for the first time is none."""
    if old is not new and old is not MISSING and old != new and _now.record is not None:
        frame = sys._getframe(2)
        _now.record((Change, owner, field, old, new, frame.f_code, frame.f_lasti))


def named(recorded: Iterator[Any]) -> Iterator[Event]:
    """Make events of what was recorded: for each the kind and its fields; a Change's line is looked up only now."""
    for kind in recorded:
        if kind is Change:
            owner, field, old, new, code, instruction = islice(recorded, 6)
            line = lines(code)[instruction // 2] or 0
            yield Change(owner, field, old, new, code.co_name, line, code.co_filename)
        else:
            yield kind(next(recorded), next(recorded))


@functools.cache
def lines(code: CodeType) -> list[int | None]:
    """Give the source line of each instruction."""
    return [position[0] for position in code.co_positions()]


def _setattr(self: Any, field: str, value: Any, set_field: Callable[..., None] = object.__setattr__) -> None:
    """Set a field of a kernel object, recording the change."""
    old = getattr(self, field, MISSING)
    set_field(self, field, value)
    record_change(self, field, old, value)


@functools.cache
def _init(kind: type) -> Callable[..., None]:
    """Give such objects an __init__ in which nothing is recorded: meanwhile they are of a class without the hook."""
    init: Callable[..., None] = kind.__init__  # type: ignore[misc]
    unhooked = type(kind.__name__, (kind,), {"__slots__": (), "__setattr__": object.__setattr__})

    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        object.__setattr__(self, "__class__", unhooked)
        init(self, *args, **kwargs)
        self.__class__ = kind

    return made


@functools.cache
def _array_hooks(kind: type) -> dict[str, Callable[..., Any]]:
    """Make the methods that set and delete an entry of such an array, recording the change."""
    base: Any = kind.__mro__[1]  # list or dict
    get: Callable[..., Any] = dict.get if base is dict else base.__getitem__
    set_entry = base.__setitem__

    def setitem(self: Any, key: Any, value: Any) -> None:
        old = get(self, key)
        set_entry(self, key, value)
        record_change(self, key, old, value)

    def delitem(self: Any, key: Any) -> None:
        old = self[key]
        base.__delitem__(self, key)
        record_change(self, key, old, None)

    def pop(self: Any, key: Any) -> Any:
        old = base.pop(self, key)
        record_change(self, key, old, None)
        return old

    hooks: dict[str, Callable[..., Any]] = {"__setitem__": setitem, "__delitem__": delitem}
    return {**hooks, "pop": pop} if base is dict else hooks


def _write_page_bytes(page: mm_types.page, start: int, data: bytes) -> None:
    """Put `data` into the page, recording which bytes it replaced."""
    old = page_bytes(page, start, start + len(data))
    write_page_bytes(page, start, data)
    record_change(page, range(start, start + len(data)), old, data)


# ── patching ────────────────────────────────────────────────────────────────────────────────────────────────


def modules(prefixes: tuple[str, ...]) -> list[ModuleType]:
    """Give the loaded modules whose names begin so."""
    return [module for name, module in sorted(sys.modules.items()) if name.startswith(prefixes)]


def kernel_functions() -> dict[FunctionType, Callable[..., Any]]:
    """Give each function of the rooms with the one that records it."""
    found: dict[FunctionType, Callable[..., Any]] = {function: recorded(function) for function in ALSO}
    found[cast(FunctionType, write_page_bytes)] = _write_page_bytes
    for module in modules(ROOMS):
        for value in vars(module).values():
            own = type(value) is FunctionType and value.__module__ == module.__name__
            if own and value.__name__ not in NOTRACE:
                found[value] = recorded(value)
    return found


def _patch() -> None:
    """Put the recording functions wherever the rooms' functions are held, and hooks on the objects."""
    swap = kernel_functions()
    for module in modules(USERS):
        names, held = vars(module), {}
        for name, value in names.items():
            if type(value) is FunctionType and value in swap:
                held[name] = value
            elif type(value) in TABLES:
                _patch_table(value, swap)
        _undo.append(functools.partial(names.update, held))
        names.update({name: swap[value] for name, value in held.items()})
    for kind in OBJECTS:
        _replace(kind, "__init__", _init(kind))
        _hook(kind, "__setattr__", _setattr)
    for array_kind in ARRAYS:
        for name, hook in _array_hooks(array_kind).items():
            _hook(array_kind, name, hook)


def _patch_table(table: Any, swap: dict[FunctionType, Callable[..., Any]]) -> None:
    """Put the recording functions into a table of operations."""
    for field in fields(table):
        function = getattr(table, field.name)
        if type(function) is FunctionType and function in swap:
            _replace(table, field.name, swap[function])


def _replace(owner: Any, name: str, value: Any) -> None:
    """Set an attribute, to be put back by _unpatch."""
    _undo.append(functools.partial(setattr, owner, name, getattr(owner, name)))
    setattr(owner, name, value)


def _hook(kind: type, name: str, hook: Callable[..., None]) -> None:
    """Give a class a method of its own, to be taken away by _unpatch."""
    _undo.append(functools.partial(delattr, kind, name))
    setattr(kind, name, hook)


def _unpatch() -> None:
    """Put everything back."""
    while _undo:
        _undo.pop()()


# ── showing ─────────────────────────────────────────────────────────────────────────────────────────────────


def wanted(change: Change, tree_links: bool) -> bool:
    """Tell whether a change is shown: the links of the red-black tree only if asked for."""
    return tree_links or change.field not in TREE_LINKS


def draw(events: Iterator[Event]) -> Iterator[str]:
    """Give the lines of the call tree; a call in which nothing happened takes one line."""
    depth, pending = 0, ""
    for event in events:
        if isinstance(event, Return | Failure) and pending:
            yield pending + outcome(event)
            pending = ""
            continue
        if pending:
            yield pending + " {"
            pending, depth = "", depth + 1
        if isinstance(event, Call):
            pending = "  " * depth + signature(event)
        elif isinstance(event, Change):
            yield "  " * depth + "· " + show_change(event)
        else:
            depth -= 1
            yield "  " * depth + "}" + outcome(event)


def signature(call: Call) -> str:
    """Spell a call: the function and its arguments."""
    function, args = call
    names = function.__code__.co_varnames
    shown = [show(value, name, function) for name, value in zip(names, args, strict=False)]
    return f"{function.__name__}({', '.join(shown)})"


def outcome(event: Return | Failure | Call | Change) -> str:
    """Spell how a call ended."""
    if isinstance(event, Failure):
        return f" ✗ {type(event.error).__name__}: {getattr(event.error, 'strerror', None) or event.error}"
    if isinstance(event, Return) and event.result is not None:
        return f" = {show_result(event)}"
    return ""


def show_result(event: Return) -> str:
    """Spell a result: fault answers by name, addresses in hex."""
    result, annotation = event.result, event.function.__annotations__.get("return")
    if event.function.__module__.endswith((".memory", ".filemap", ".shmem", ".ext4")):
        if annotation == "int" and {"address", "vmf"} & event.function.__annotations__.keys():
            return flag_names(result, VM_FAULT_NAMES)
        if isinstance(result, tuple):
            return f"({flag_names(result[0], VM_FAULT_NAMES)}, {show(result[1])})"
    return show(result, ANSWERS.get(event.function.__name__, ""))


def show_change(change: Change) -> str:
    """Spell a change: whose field, old → new."""
    if isinstance(change.owner, pgtable.pte_table):
        address = change.owner.start + (change.field << 12)
        return f"pte[{address:x}]: {show_pte(change.old)} → {show_pte(change.new)}"
    if isinstance(change.owner, dict):
        key = show(change.field) if not isinstance(change.field, str) else change.field
        counts = isinstance(change.owner, mm_types.counters)
        old, new = (change.old, change.new) if counts else (show(change.old), show(change.new))
        return f"{show(change.owner)}[{key}]: {old} → {new}"
    if isinstance(change.field, range):
        where = f"{change.owner.name}.data[{change.field.start}:{change.field.stop}]"
        return f"{where}: {show_bytes(change.old)} → {show_bytes(change.new)}"
    old, new = show(change.old, change.field), show(change.new, change.field)
    if isinstance(change.owner, mm_types.page) and change.field == "flags":
        old, new = flag_names(change.old, mm_types.PG_NAMES), flag_names(change.new, mm_types.PG_NAMES)
    return f"{show(change.owner)}.{change.field}: {old} → {new}"


def show_pte(pte: int) -> str:
    """Spell a page table entry: the frame, its permissions, A accessed, D dirty."""
    if not pte:
        return "none"
    frame = "zero page" if pte_pfn(pte) == ZERO_PFN else f"page#{pte_pfn(pte)}"
    bits = ("A" if pte & pgtable._PAGE_ACCESSED else "") + ("D" if pte & pgtable._PAGE_DIRTY else "")
    return f"{frame} {pte_perms(pte)}{' ' + bits if bits else ''}"


def show_bytes(data: bytes) -> str:
    """Spell some bytes of a page; of many, their number."""
    return repr(data) if len(data) <= 16 else f"<{len(data)} bytes>"


def show(value: Any, name: str = "", function: FunctionType | None = None) -> str:
    """Spell a value as a learner wants to read it; `name` is the parameter or field that holds it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, int):
        return show_int(value, name, function)
    if isinstance(value, pgtable.pte_table):
        return f"pte_table:{value.start:x}"
    if isinstance(value, fs.radix_tree | fs.interval_tree):
        return f"{value.mapping.name}.{'page_tree' if isinstance(value, fs.radix_tree) else 'i_mmap'}"
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    if isinstance(value, tuple | list) and not hasattr(value, "name"):
        return f"({', '.join(show(item) for item in value)})"
    return str(getattr(value, "name", None) or type(value).__name__)


def show_int(value: int, name: str, function: FunctionType | None) -> str:
    """Spell a number: flags by name, addresses and lengths in hex, the rest in decimal."""
    room = function.__module__.rpartition(".")[2] if function else ""
    if name == "vm_flags":
        return vm_flag_names(value)
    if name == "prot":
        return prot_names(value)
    if name == "vm_page_prot":
        return pte_perms(value)
    if name == "flags" and room in ("mmap", "binfmt_elf", "sys_x86_64", "huge_memory"):
        return map_names(value)
    if name == "flags" and room in ("memory", "gup"):
        return "FAULT_FLAG_WRITE" if value & mm.FAULT_FLAG_WRITE else "0"
    return hex(value) if value >= 4096 or name in ("addr", "address", "start", "end") else str(value)
