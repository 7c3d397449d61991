"""The lessons in a browser page: Python there has no Graphviz, and other numbers for errno than Linux.

Each notebook of the site begins with this cell, before mmlab is imported:

    import mmlab_site

    await mmlab_site.ready()
"""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

GRAPHVIZ = Path(__file__).with_name("graphviz.mjs")

# include/uapi/asm-generic/errno-base.h and errno.h: those that a system call about memory or files can give.
LINUX = {
    "EPERM": 1, "ENOENT": 2, "ESRCH": 3, "EINTR": 4, "EIO": 5, "ENXIO": 6, "E2BIG": 7, "ENOEXEC": 8, "EBADF": 9,
    "ECHILD": 10, "EAGAIN": 11, "ENOMEM": 12, "EACCES": 13, "EFAULT": 14, "EBUSY": 16, "EEXIST": 17, "EXDEV": 18,
    "ENODEV": 19, "ENOTDIR": 20, "EISDIR": 21, "EINVAL": 22, "ENFILE": 23, "EMFILE": 24, "ENOTTY": 25, "ETXTBSY": 26,
    "EFBIG": 27, "ENOSPC": 28, "ESPIPE": 29, "EROFS": 30, "EMLINK": 31, "EPIPE": 32, "EDOM": 33, "ERANGE": 34,
    "EDEADLK": 35, "ENAMETOOLONG": 36, "ENOLCK": 37, "ENOSYS": 38, "ENOTEMPTY": 39, "ELOOP": 40, "EOVERFLOW": 75,
    "EOPNOTSUPP": 95, "ETIMEDOUT": 110,
}  # fmt: skip
# What glibc says of a number where the C library of a page has other words.
WORDS = {
    5: "Input/output error", 12: "Cannot allocate memory", 16: "Device or resource busy", 24: "Too many open files",
    29: "Illegal seek", 36: "File name too long", 40: "Too many levels of symbolic links",
    75: "Value too large for defined data type", 95: "Operation not supported",
}  # fmt: skip
CLASSES: dict[str, type[OSError]] = {
    "EPERM": PermissionError, "EACCES": PermissionError, "ENOENT": FileNotFoundError, "EEXIST": FileExistsError,
    "ENOTDIR": NotADirectoryError, "EISDIR": IsADirectoryError, "ESRCH": ProcessLookupError,
    "ECHILD": ChildProcessError, "EINTR": InterruptedError, "EAGAIN": BlockingIOError, "EPIPE": BrokenPipeError,
    "ETIMEDOUT": TimeoutError,
}  # fmt: skip


async def ready() -> None:
    """Give mmlab what it finds on Linux: the numbers of errno, and a Graphviz. Nothing to do outside a browser."""
    if sys.platform != "emscripten":
        return
    if LINUX["EINVAL"] != errno.EINVAL:
        speak_linux()
    from mmlab.views import render

    if all(engine.__name__ != "wasm" for engine in render.ENGINES):
        render.register(engine(await load()))


def speak_linux() -> None:
    """Let the names of the module errno stand for Linux's numbers, and mmlab's failures carry them, with its words."""
    names = {number: name for number, name in errno.errorcode.items() if name in LINUX}
    words = {LINUX[name]: os.strerror(number) for number, name in names.items()} | WORDS
    vars(os)["strerror"] = lambda number: words.get(number, f"Unknown error {number}")
    vars(errno).update(LINUX)
    vars(errno)["errorcode"] = {number: name for name, number in LINUX.items()}
    from mmlab.include import errors

    vars(errors)["OSError"] = linux_error


class Unnamed(OSError):
    """A failure without a class of its own: for OSError itself Python would choose one by the browser's numbers."""


Unnamed.__name__ = Unnamed.__qualname__ = "OSError"
Unnamed.__module__ = "builtins"


def linux_error(number: int, text: str) -> OSError:
    """Return what `OSError(number, text)` gives on Linux.

    >>> linux_error(13, "do_mmap: no"), linux_error(22, "do_mmap: no")
    (PermissionError(13, 'do_mmap: no'), OSError(22, 'do_mmap: no'))
    """
    named = {LINUX[name]: kind for name, kind in CLASSES.items()}
    return named.get(number, Unnamed)(number, text)


async def load() -> Any:
    """Load @hpcc-js/wasm-graphviz from the text of its module; no request leaves the page."""
    from js import URL, Blob, Object
    from pyodide.code import run_js
    from pyodide.ffi import to_js

    kind = to_js({"type": "text/javascript"}, dict_converter=Object.fromEntries)
    address = URL.createObjectURL(Blob.new(to_js([GRAPHVIZ.read_text(encoding="utf-8")]), kind))
    module = await run_js(f"import({address!r})")
    return await module.Graphviz.load()


def engine(graphviz: Any) -> Callable[[str], str]:
    """Make of a loaded Graphviz an engine of mmlab: DOT in, SVG out."""
    from pyodide.ffi import JsException

    from mmlab.views.render import DotError

    def wasm(dot: str) -> str:
        try:
            return str(graphviz.layout(dot, "svg", "dot"))
        except JsException as error:
            raise DotError(str(error)) from error

    return wasm
