"""The command line: one function for each command, and one place where troubles become sentences."""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mmlab.setup import badges, checks, hub, install, launch, locks, places, stages
from mmlab.setup.report import Trouble


def setup(words: Sequence[str]) -> int:
    """make the environment .venv, or bring it up to date"""
    prefix = install.ensure("lab")
    print(f"Ready: {prefix}. Start JupyterLab with: make lab (or: python -m mmlab lab)")
    return 0


def lab(words: Sequence[str]) -> int:
    """open the lessons in JupyterLab; more arguments go to JupyterLab"""
    return launch.lab(install.ensure("lab"), words)


def test(words: Sequence[str]) -> int:
    """run all tests, or the stages named: lint types layers unit notebooks browser site"""
    chosen = stages.choose(words)
    return stages.run(chosen, install.ensure("test"))


def bench(words: Sequence[str]) -> int:
    """measure the simulation against the real kernel: --quick --peers --json FILE; or: bench redraw, bench course"""
    if words[:1] in (["redraw"], ["course"]):
        return run_module("test", f"tests.bench.{words[0]}", words[1:])
    return run_module("lab", "tests.bench", words)


def differential(words: Sequence[str]) -> int:
    """compare N random programs (1000 if not said) on the simulation and on this machine's Linux"""
    return run_module("test", "tests.differential", words)


def doctor(words: Sequence[str]) -> int:
    """check the whole set-up and say what to do about each failure"""
    python = places.python_of(places.environment())
    if "--here" in words or not python.exists() or Path(sys.prefix) == places.environment():
        report = checks.doctor()
        print(report.table())
        return 0 if report.ok else 1
    command = [str(python), "-m", "mmlab", "doctor", "--here"]
    return subprocess.call(command, cwd=places.ROOT, env=places.variables(places.environment()))


def lock(words: Sequence[str]) -> int:
    """write the locks anew from pyproject.toml (with --upgrade: newest versions)"""
    locks.write(install.ensure("lab"), words)
    return 0


def notebooks(words: Sequence[str]) -> int:
    """run the notebooks (or those named) and store what they show; --links: write the contents and links anew"""
    return run_module("test", "mmlab.setup.rerun", words)


def html(words: Sequence[str]) -> int:
    """write the notebooks (or those named) as pages to read without a kernel, into build/html"""
    return run_module("lab", "mmlab.setup.export", words)


def course(words: Sequence[str]) -> int:
    """source, release, grade, feedback or export problem sets: course grade ps1 -j 4"""
    return run_module("course", "mmlab.coursework", words)


def practice(words: Sequence[str]) -> int:
    """write the problem sets as notebooks to practise with, in notebooks/practice (--fresh: anew)"""
    return run_module("lab", "mmlab.coursework.practice", words)


def site(words: Sequence[str]) -> int:
    """build the lessons as a site to run in any browser, into build/site; --serve: and serve it"""
    return run_module("site", "mmlab.setup.site", words)


def apps(words: Sequence[str]) -> int:
    """serve each lesson's lab as an app without code, by Voilà; more arguments go to it"""
    return run_module("serve", "mmlab.setup.apps", words)


def serve_hub(words: Sequence[str]) -> int:
    """serve a class by JupyterHub, as root; --trial: under your own account, with one password"""
    hub.refuse_where_it_cannot_run("--trial" in words)
    return hub.run(install.ensure("serve"), words)


def hub_test(words: Sequence[str]) -> int:
    """let N learners (20 if not said) come to a hub at once, and measure it"""
    hub.refuse_where_it_cannot_run(trial=True)
    return hub.test(install.ensure("test"), words)


def print_badges(words: Sequence[str]) -> int:
    """print the launch badges of this repository, or of the address given"""
    return badges.run(words)


def clean(words: Sequence[str]) -> int:
    """remove .venv and everything else that was made here"""
    for name in (".venv", "build", "mmlab.egg-info", ".mypy_cache", ".pytest_cache", ".ruff_cache",
                 ".import_linter_cache", ".hypothesis"):
        if (places.ROOT / name).exists():
            print(f"removing {name}")
            shutil.rmtree(places.ROOT / name)
    return 0


def run_module(level: str, module: str, words: Sequence[str]) -> int:
    """Run a module with the Python of an environment that holds the packages of `level`; return its exit code."""
    prefix = install.ensure(level)
    command = [str(places.python_of(prefix)), "-m", module, *words]
    return subprocess.call(command, cwd=places.ROOT, env=places.variables(prefix))


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "lab": lab, "test": test, "differential": differential, "bench": bench, "setup": setup, "doctor": doctor,
    "notebooks": notebooks, "html": html, "course": course, "practice": practice, "site": site, "apps": apps,
    "hub": serve_hub, "hub-test": hub_test, "badges": print_badges, "lock": lock, "clean": clean,
}
OWN_HELP = {"lab", "bench", "differential", "course", "apps"}  # these know more about themselves


def run(words: Sequence[str]) -> int:
    """Run the command line `words` and return the exit code."""
    about = "\n".join(f"  {name:12} {function.__doc__}" for name, function in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="python -m mmlab", usage="python -m mmlab COMMAND [ARGUMENTS]",
        description=f"commands:\n{about}", formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, help=argparse.SUPPRESS)
    speak_utf8()
    if not words:
        parser.print_help()
        return 2
    command = parser.parse_args(words[:1]).command
    if {"-h", "--help"} & set(words[1:]) and command not in OWN_HELP:
        print(f"python -m mmlab {command}: {COMMANDS[command].__doc__}")
        return 0
    try:
        return COMMANDS[command](words[1:])
    except Trouble as trouble:
        print(f"\nmmlab: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nmmlab: stopped; run the same command again to go on.", file=sys.stderr)
        return 130


def speak_utf8() -> None:
    """Let every terminal take our output, replacing what it cannot show (the C locale, old Windows consoles)."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
