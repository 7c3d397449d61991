"""The rooms and the lessons on every Python of this machine that mmlab supports: python -m tests.platforms [VERSION…].

The tests of the kernel and the rooms' doctests run under each, and every lesson's cells, which are to show what the
lesson stores: on PATH as python3.11 and so on, or installed by pyenv or uv. Nothing is installed for it: pytest and
IPython are those of this environment, which any of them can read. It ends by saying which Pythons were there and which
were not; that one is missing is no failure, but it is said.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from mmlab.setup.places import NOTEBOOKS, ROOT

SUPPORTED = ["3.11", "3.12", "3.13", "3.14"]
FOLDERS = ".pyenv/versions/{}.*/bin/python3", ".local/share/uv/python/cpython-{}.*/bin/python3"
ELSEWHERE = Path(__file__).with_name("elsewhere.py")
ROOMS = "mm fs arch drivers ipc kernel lib include machine.py process.py trace.py check.py"
PROBE = "import sys; print('%d.%d.%d' % sys.version_info[:3])"


def find(minor: str) -> str | None:
    """Return a Python of this version that starts: this one first, then those of PATH and of pyenv and uv."""
    here = [sys.executable] if sysconfig.get_python_version() == minor else []
    others = [str(path) for pattern in FOLDERS for path in Path.home().glob(pattern.format(minor))]
    return next((each for each in [*here, shutil.which(f"python{minor}"), *others] if each and version(each)), None)


def version(python: str) -> str:
    """Return the version of a Python; nothing where it does not start."""
    done = subprocess.run([python, "-c", PROBE], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def tests() -> list[str]:
    """Return what to run: the tests of the kernel without those that need hypothesis, which is no pure Python."""
    kernel = [path for path in sorted((ROOT / "tests" / "kernel").glob("test_*.py"))
              if "hypothesis" not in path.read_text(encoding="utf-8")]
    return [*map(str, kernel), *(f"mmlab/{room}" for room in ROOMS.split())]


def run(python: str, paths: list[str]) -> tuple[bool, str]:
    """Run tests under a Python; give whether they passed, and pytest's last line, or all if not."""
    done = start(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--doctest-modules", *paths)
    passed = done.returncode == 0
    return passed, done.stdout.strip().rpartition("\n")[2] if passed else done.stdout + done.stderr


def run_lessons(python: str) -> tuple[bool, str]:
    """Run all lessons under a Python; give whether each shows what it stores, and what is to be said of it."""
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    done = start(python, str(ELSEWHERE), "here", *map(str, paths))
    same = done.stdout == "[]"
    return same, f"{len(paths)} lessons show what they store" if same else done.stdout + done.stderr


def start(python: str, *words: str) -> subprocess.CompletedProcess:
    """Run a Python with the packages of this environment and a home of its own."""
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib"), "PYTHONDONTWRITEBYTECODE": "1",
               "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "IPYTHONDIR": home, "NO_COLOR": "1"}  # fmt: skip
        return subprocess.run([python, *words], cwd=ROOT, env=env, capture_output=True, text=True)


def main(wanted: list[str], paths: list[str] | None = None) -> int:
    """Run under the versions named, or all but this one, whose turn the unit tests are; `paths`: only these tests."""
    failed: list[str] = []
    missing: list[str] = []
    for minor in wanted or [each for each in SUPPORTED if each != sysconfig.get_python_version()]:
        python = find(minor)
        if python is None:
            missing.append(minor)
            continue
        (passed, said), (same, told) = run(python, paths or tests()), run_lessons(python)
        print(f"Python {version(python)}: {said}; {told}", flush=True)
        failed += [] if passed and same else [minor]
    print(f"Not on this machine, so not run: {', '.join(missing) or 'none'}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
