"""The doctor: what must hold for the lessons to work, each with what to do when it does not."""

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from mmlab.setup import places
from mmlab.setup.places import LOCKS, ROOT

SET_UP = "run: make setup (or: python -m mmlab setup)"
TINY = 'digraph { bgcolor=white; a [label="vma"]; b [label="file"]; a -> b [label="vm_file"] }'
DRAW = """
import sys
from pygraphviz import AGraph
sys.stdout.buffer.write(AGraph(string=sys.stdin.read()).draw(format="svg", prog="dot"))
"""
REAL_KERNEL = "the 'on the real kernel' parts need Linux; recorded results are shown instead"


class Failed(Exception):
    """A check that failed: what was seen, and what to do."""

    def __init__(self, seen: str, remedy: str) -> None:
        super().__init__(seen)
        self.seen, self.remedy = seen, remedy


@dataclass(frozen=True)
class Check:
    """The outcome of one check; `remedy` is empty when it passed."""

    name: str
    seen: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        return not self.remedy


@dataclass(frozen=True, repr=False)
class Report:
    """All checks. Its repr is the same on every machine where all passed; `table()` tells what was seen."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return all(check.ok for check in self.checks)

    def __repr__(self) -> str:
        if self.ok:
            return f"All {len(self.checks)} checks passed."
        failed = [check for check in self.checks if not check.ok]
        lines = [f"{check.name}: {check.seen}\n  What to do: {check.remedy}" for check in failed]
        return "\n".join([f"{len(failed)} of {len(self.checks)} checks failed.", *lines])

    def table(self) -> str:
        """Return one line for each check, and what to do under those that failed."""
        width = max(len(check.name) for check in self.checks)
        lines = []
        for check in self.checks:
            lines.append(f"{'ok    ' if check.ok else 'FAILED'}  {check.name:{width}}  {check.seen}")
            if check.remedy:
                lines.append(f"{'':{width + 10}}→ {check.remedy}")
        return "\n".join([*lines, "", repr(self).splitlines()[0]])


def doctor() -> Report:
    """Check the environment that this Python runs in.

    >>> Report((Check("Python", "3.12.1"), Check("widgets", "8.1.9")))
    All 2 checks passed.
    >>> Report((Check("Python", "3.12.1"), Check("widgets", "not installed", "run: make setup")))
    1 of 2 checks failed.
    widgets: not installed
      What to do: run: make setup
    """
    wanted = IN_A_PAGE if sys.platform == "emscripten" else CHECKS
    return Report(tuple(outcome(name, check) for name, check in wanted.items()))


def outcome(name: str, check: Callable[[], str]) -> Check:
    """Run one check, which returns what it saw or raises; every exception is a failure."""
    try:
        return Check(name, check())
    except Failed as failed:
        return Check(name, failed.seen, failed.remedy)
    except ImportError as error:  # not installed
        return Check(name, str(error), SET_UP)
    except Exception as error:  # a broken package can raise anything
        return Check(name, f"{type(error).__name__}: {error}".splitlines()[0], f"make clean, then {SET_UP}")


def python_version() -> str:
    """This Python is new enough: an older one cannot read this file's imports."""
    return ".".join(map(str, sys.version_info[:3]))


def running_environment() -> str:
    """This Python is that of the project: `.venv`, or a conda environment with mmlab in it."""
    wanted = places.environment()
    if not places.python_of(wanted).exists():
        raise Failed(f"{wanted.name} is not there yet", SET_UP)
    if Path(sys.prefix).resolve() != wanted.resolve():
        raise Failed(f"this Python belongs to {sys.prefix}, not to {wanted}", "start it with: make lab")
    return str(wanted)


def package_versions() -> str:
    """The packages are those of the lock (in conda: those that pyproject.toml allows)."""
    wanted = list(allowed_versions() if places.in_conda_environment() else locked_versions())
    wrong = [problem for name, versions in wanted if (problem := mismatch(name, versions))]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise Failed("; ".join(wrong[:3]) + more, SET_UP)
    return f"all {len(wanted)} as {'pyproject.toml allows' if places.in_conda_environment() else 'locked'}"


def locked_versions() -> Iterator[tuple[str, str]]:
    """Yield name and version range of each package that the lock names for this Python and system."""
    text = (LOCKS / "lab.lock").read_text(encoding="utf-8")
    for name, version, marker in re.findall(r"^([\w.-]+)==(\S+)(?: ; (.*?))? \\$", text, re.M):
        if applies(marker):
            yield name, f"=={version}"


def allowed_versions() -> Iterator[tuple[str, str]]:
    """Yield name and version range of each direct dependency in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line in project["dependencies"]:
        requirement, _, marker = line.partition(";")
        name, versions = re.split(r"(?=[<>=!~])", requirement.strip(), maxsplit=1)
        if applies(marker.strip()):
            yield name.strip(), versions


def applies(marker: str) -> bool:
    """Tell whether an environment marker holds here."""
    if not marker:
        return True
    from packaging.markers import Marker

    return Marker(marker).evaluate()


def mismatch(name: str, versions: str) -> str:
    """Say how the installed version of a package differs from the range; nothing when it does not."""
    try:
        installed = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} is not installed"
    from packaging.specifiers import SpecifierSet

    fits = SpecifierSet(versions).contains(installed, prereleases=True)
    return "" if fits else f"{name} is {installed}, not {versions}"


def renderer() -> str:
    """A tiny graph becomes SVG: by pygraphviz, which holds Graphviz itself, or by a `dot` command."""
    path = str(places.scripts(Path(sys.prefix)))
    dot = shutil.which("dot") or shutil.which("dot", path=path)
    if draws([sys.executable, "-c", DRAW]):
        return f"pygraphviz {metadata.version('pygraphviz')}"
    if dot and draws([dot, "-Tsvg"]):
        return dot
    remedy = f"{SET_UP}; if that does not help, install Graphviz (Debian: sudo apt-get install graphviz)"
    raise Failed(f"neither pygraphviz nor {dot or 'a dot command'} draws", remedy)


def page_renderer() -> str:
    """In a browser page, the Graphviz that came with the site draws."""
    from mmlab.views import render

    if "vm_file" not in render.draw(TINY):
        raise Failed("Graphviz draws something else", "load the page again")
    return f"Graphviz in the page ({render.engine_name()})"


def draws(command: list[str]) -> bool:
    """Tell whether a command turns the tiny graph on its input into SVG."""
    done = subprocess.run(command, input=TINY.encode(), capture_output=True)
    return done.returncode == 0 and b"<svg" in done.stdout and b"vm_file" in done.stdout


def widgets() -> str:
    """JupyterLab's half of the widgets is there, in the version that Python's half asks for."""
    half = "jupyterlab_widgets"
    wanted = next(line for line in metadata.requires("ipywidgets") or [] if line.startswith(half))
    wrong = mismatch(half, wanted.removeprefix(half).strip(" ()"))
    if wrong:
        raise Failed(wrong, SET_UP)
    extension = Path(sys.prefix, "share", "jupyter", "labextensions", "@jupyter-widgets", "jupyterlab-manager")
    if not (extension / "package.json").exists():
        raise Failed(f"JupyterLab has no {extension}", SET_UP)
    return f"ipywidgets {metadata.version('ipywidgets')}, {half} {metadata.version(half)}"


def kernel() -> str:
    """The kernel that JupyterLab starts for a lesson is this Python and imports this mmlab."""
    from jupyter_client.kernelspec import KernelSpecManager

    spec = KernelSpecManager().get_kernel_spec("python3")
    command = spec.argv[0] if Path(spec.argv[0]).is_absolute() else sys.executable
    if Path(command).parent.resolve() != Path(sys.executable).parent.resolve():
        raise Failed(f"the kernel 'python3' of {spec.resource_dir} starts {command}", "start JupyterLab with: make lab")
    origin = importlib.util.find_spec("mmlab")
    if not origin or not origin.origin or Path(origin.origin).resolve().parent != ROOT / "mmlab":
        raise Failed("mmlab is imported from " + str(origin and origin.origin), SET_UP)
    return f"{command} imports mmlab from {ROOT / 'mmlab'}"


def operating_system() -> str:
    """Any system will do; on other ones than Linux the real kernel is not at hand."""
    return "Linux" if sys.platform == "linux" else f"{sys.platform}: {REAL_KERNEL}"


CHECKS: dict[str, Callable[[], str]] = {
    "Python": python_version,
    "environment": running_environment,
    "packages": package_versions,
    "graph renderer": renderer,
    "widgets": widgets,
    "notebook kernel": kernel,
    "system": operating_system,
}
IN_A_PAGE = {"Python": python_version, "graph renderer": page_renderer, "system": operating_system}
