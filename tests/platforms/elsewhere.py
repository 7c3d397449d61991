"""Run the lessons on a machine that this one is not: elsewhere.py SYSTEM LESSON…, each in a process of its own.

The process is made to look like Windows or macOS before mmlab is imported: its name and processor, no /proc, none of
the functions and modules that only Unix or Linux has, no C library with ptrace, no pygraphviz and no `dot`; and any
file that is opened without saying its encoding is an error, since it would be another one there. Then each lesson's
cells are run in order, and what they show is compared with what the lesson stores. What this cannot show: a real
Windows console, real paths with backslashes, a real JupyterLab there. The system "here" is this machine, as it is:
for another Python.
"""

import asyncio  # noqa: F401
import builtins
import contextlib
import importlib.abc
import io
import json
import multiprocessing.pool  # noqa: F401
import os
import platform
import re
import sys
from pathlib import Path

# What belongs to others is imported as it is here, mmlab later, as it would be there.
import graphviz  # noqa: F401
import ipywidgets  # noqa: F401
from IPython.core.displayhook import CapturingDisplayHook
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

ROOT = Path(__file__).resolve().parents[2]
SYSTEMS = {"windows": ("win32", "Windows", "AMD64"), "macos": ("darwin", "Darwin", "arm64")}
MISSING = {
    "windows": {"fcntl", "grp", "pwd", "resource", "termios", "pygraphviz"},
    "macos": {"pygraphviz"},
}
LINUX_ONLY = ["memfd_create", "sched_getaffinity", "sched_setaffinity", "pidfd_open", "unshare", "eventfd"]
UNIX_ONLY = ["fork", "forkpty", "getuid", "geteuid", "setuid", "wait4", "waitpid", "mkfifo", "killpg", "WIFSTOPPED"]


class Nowhere(importlib.abc.MetaPathFinder):
    """Find none of some modules."""

    def __init__(self, names):
        self.names = names

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def become(system):
    """Make this process look like one of `system`."""
    sys.platform, name, machine = SYSTEMS[system]
    platform.system, platform.machine = lambda: name, lambda: machine
    for missing in LINUX_ONLY + (UNIX_ONLY if system == "windows" else []):
        if hasattr(os, missing):
            delattr(os, missing)
    sys.meta_path.insert(0, Nowhere(MISSING[system]))
    os.environ["PATH"] = os.devnull  # no `dot`
    for module, functions in (builtins, ["open"]), (io, ["open"]), (os, ["open", "scandir", "listdir", "stat"]):
        for function in functions:
            without_proc(module, function)


def without_proc(module, name):
    """Let a function of files find nothing under /proc and /sys, and refuse our text files without an encoding."""
    found = getattr(module, name)

    def opened(path, *rest, **options):
        if isinstance(path, str | os.PathLike) and os.fspath(path).startswith(("/proc", "/sys/")):
            raise FileNotFoundError(2, "No such file or directory", os.fspath(path))
        if name == "open" and module is not os and of_ours() and not says_encoding(*rest, **options):
            raise LookupError(f"{path} is opened as text without an encoding: it would be another one there")
        return found(path, *rest, **options)

    setattr(module, name, opened)


def says_encoding(mode="r", buffering=-1, encoding=None, *rest, **options):
    """Tell whether a file is opened as bytes, or as text of a known encoding."""
    return "b" in mode or encoding not in (None, "locale")


def of_ours():
    """Tell whether it is mmlab that opens the file, itself or through pathlib."""
    frame = sys._getframe(2)
    while frame and frame.f_globals["__name__"].startswith(("pathlib", "_pyio", "io")):
        frame = frame.f_back
    return frame is not None and frame.f_globals["__name__"].startswith("mmlab.")


def run(path):
    """Run a lesson; give what a cell shows that the lesson does not store. The set-up check sees this machine."""
    os.chdir(path.parent)
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.display_pub, outputs = CapturingDisplayPublisher(shell=shell), []
    shell.display_trap.hook = CapturingDisplayHook(shell=shell, outputs=outputs)
    wrong = []
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] != "code" or source.endswith("doctor()"):
            continue
        outputs.clear()
        shell.display_pub.outputs = outputs
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            done = shell.run_cell(source, store_history=True)
        shown = clean(printed.getvalue()), [clean(each["data"].get("text/plain", "")) for each in outputs]
        expected, error = stored(cell["outputs"]), done.error_before_exec or done.error_in_exec
        if error or shown != expected:
            wrong.append({"cell": f"{path.name} {number}", "error": repr(error), "stored": expected, "is": shown})
    return wrong


def stored(outputs):
    """Give what a cell stores: all that it printed, and the text of each thing that it shows."""
    printed = "".join("".join(each["text"]) for each in outputs if each["output_type"] == "stream")
    texts = [clean("".join(each["data"].get("text/plain", ""))) for each in outputs if "data" in each]
    return clean(printed), texts


def clean(text):
    """Leave out what may differ: the picture, and the advice on how to get one where there is no Graphviz."""
    return re.sub(r"(?s)<svg.*?</svg>|\n\nNo Graphviz is here.*", "", text)


def main(system, names):
    if system != "here":
        become(system)
    sys.path.insert(0, str(ROOT))
    wrong = [each for name in names for each in run(ROOT / "notebooks" / name)]
    json.dump(wrong, sys.__stdout__, indent=1)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
