"""The tests as stages, run one after another; each prints one line when it begins and one when it ends."""

import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from mmlab.setup import browser, places
from mmlab.setup.places import ROOT
from mmlab.setup.report import Trouble

LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"
PYTEST = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]
NBVAL = [
    *PYTEST, "notebooks", "--ignore=notebooks/coursework", "--ignore=notebooks/practice", "--nbval",
    "--nbval-current-env",
    "--nbval-sanitize-with", "tests/nbval.cfg", "--nbval-cell-timeout", "60",
]  # fmt: skip
# The user's own start-up files and settings change no result.
OWN_FOLDERS = {"IPYTHONDIR": str(ROOT / "build" / "ipython"), "JUPYTER_CONFIG_DIR": str(ROOT / "build" / "jupyter")}


class Stage(NamedTuple):
    """A stage: its name, what it does, and the arguments of Python for each command of it."""

    name: str
    title: str
    commands: list[list[str]]
    live: bool = False  # show the output as it comes, not only after a failure
    before: Callable[[Path], None] | None = None  # gets what the stage needs, or raises Trouble


STAGES = [
    Stage("lint", "ruff", [["-m", "ruff", "check", "."]]),
    Stage("types", "mypy", [["-m", "mypy"]]),
    Stage("layers", "import-linter", [["-c", LINT_IMPORTS]]),
    Stage("unit", "unit tests and doctests",
          [[*PYTEST, "tests", "mmlab", "--doctest-modules", "--ignore=tests/browser"]], live=True),
    Stage("notebooks", "notebooks against their stored outputs, twice", [NBVAL, NBVAL], live=True),
    Stage("browser", "lessons in a real browser", [[*PYTEST, "tests/browser", "--ignore=tests/browser/test_site.py"]],
          live=True, before=browser.provide),
    Stage("site", "the static site, with the network closed", [[*PYTEST, "tests/browser/test_site.py"]],
          live=True, before=browser.provide),
]


def choose(words: Sequence[str]) -> list[Stage]:
    """Return the stages named, or all that apply."""
    unknown = set(words) - {stage.name for stage in STAGES}
    if unknown:
        names = " ".join(stage.name for stage in STAGES)
        raise Trouble(f"There is no stage {' '.join(sorted(unknown))}.\nWhat to do: name some of: {names}")
    return [stage for stage in STAGES if stage.name in (words or [stage.name]) and applies(stage)]


def applies(stage: Stage) -> bool:
    """Tell whether a stage has something to do: import-linter needs its table in pyproject.toml."""
    if stage.name != "layers":
        return True
    with open(ROOT / "pyproject.toml", "rb") as file:
        return "importlinter" in tomllib.load(file).get("tool", {})


def run(stages: Sequence[Stage], prefix: Path) -> int:
    """Run the stages, all of them even after a failure; print a summary; return 0 when all passed, else 1."""
    start, failed = time.monotonic(), []
    for folder in OWN_FOLDERS.values():
        Path(folder).mkdir(parents=True, exist_ok=True)
    for number, stage in enumerate(stages, 1):
        if not run_stage(stage, f"[{number}/{len(stages)}] {stage.title}", prefix):
            failed.append(stage.name)
    seconds = time.monotonic() - start
    print(f"\n{len(stages)} stages in {seconds:.0f} s." + (f" Failed: {', '.join(failed)}" if failed else ""))
    print(f"stages: {len(stages) - len(failed)} passed, {len(failed)} failed", flush=True)
    return 1 if failed else 0


def run_stage(stage: Stage, title: str, prefix: Path) -> bool:
    """Run the commands of one stage until one fails; tell whether none did."""
    print(f"{title} … ", end="\n" if stage.live else "", flush=True)
    start = time.monotonic()
    passed = prepare(stage, prefix) and all(run_command(command, stage.live, prefix) for command in stage.commands)
    verdict = "ok" if passed else f"FAILED (again with: make test ARGS={stage.name})"
    opening = f"{title} … " if stage.live or not passed else ""
    print(f"{opening}{verdict} ({time.monotonic() - start:.1f} s)", flush=True)
    return passed


def prepare(stage: Stage, prefix: Path) -> bool:
    """Get what a stage needs; tell whether it is there."""
    try:
        if stage.before:
            stage.before(prefix)
    except Trouble as trouble:
        print(trouble, flush=True)
        return False
    return True


def run_command(arguments: list[str], live: bool, prefix: Path) -> bool:
    """Run Python with `arguments`, showing its output live or only when it fails."""
    command = [str(places.python_of(prefix)), *arguments]
    env = places.variables(prefix) | OWN_FOLDERS
    if live:
        return subprocess.run(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL).returncode == 0
    done = subprocess.run(
        command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        print(flush=True)
        sys.stdout.buffer.write(done.stdout)
        sys.stdout.flush()
    return done.returncode == 0
