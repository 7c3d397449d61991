"""The commands of the project: `python -m mmlab lab`, `test`, `setup`, `doctor`, `notebooks`, `html`, `bench`, …

This file also runs as a script (`python3 mmlab/__main__.py lab`, as the Makefile does) and keeps to a syntax
that any Python 3 reads, so that a Python which is too old hands over to a newer one or says what is missing.
"""

import os
import subprocess
import sys

OLDEST = (3, 11)
NEWER = ["python3." + str(minor) for minor in (13, 12, 11, 14)] + ["python3", "python"]


def is_new_enough(command: str) -> bool:
    """Tell whether `command` starts a Python of at least the oldest version supported."""
    probe = "import sys; sys.exit(sys.version_info < " + repr(OLDEST) + ")"
    try:
        return subprocess.call([command, "-c", probe], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def hand_over() -> None:
    """Run the same command with a newer Python of the PATH; end with a clear sentence if there is none."""
    mine = ".".join(str(part) for part in sys.version_info[:3])
    newer = next((name for name in NEWER if is_new_enough(name)), None)
    if newer is None:
        sys.exit(
            "mmlab needs Python 3.11 or newer; " + sys.executable + " is Python " + mine + " and no newer "
            "one is on PATH.\nWhat to do: install one, then name it: make lab PYTHON=/path/to/python3.12"
        )
    print("Python " + mine + " is too old for mmlab: using " + newer + " instead.")
    sys.stdout.flush()
    sys.exit(subprocess.call([newer, os.path.abspath(__file__), *sys.argv[1:]]))


def main() -> None:
    """Find the package from this file and run the command line."""
    if sys.version_info < OLDEST:
        hand_over()
    here = os.path.dirname(os.path.abspath(__file__))
    # Started as a script, the path begins with this folder: its modules would hide the standard library's.
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    if "mmlab" not in sys.modules:
        sys.path.insert(0, os.path.dirname(here))
    from mmlab.setup.commands import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
