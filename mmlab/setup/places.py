"""Where things are: the project's folder, its environment, and the variables a program is started with."""

import os
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
LOCKS = ROOT / "requirements"
NOTEBOOKS = ROOT / "notebooks"
LOG = ROOT / "build" / "setup.log"
WINDOWS = os.name == "nt"


def scripts(prefix: Path) -> Path:
    """Return the folder of the commands of the environment at `prefix`."""
    return prefix / ("Scripts" if WINDOWS else "bin")


def python_of(prefix: Path) -> Path:
    """Return the Python of the environment at `prefix`."""
    if WINDOWS and not (prefix / "Scripts" / "python.exe").exists():
        return prefix / "python.exe"  # conda's layout
    return scripts(prefix) / ("python.exe" if WINDOWS else "python")


def in_conda_environment() -> bool:
    """Tell whether this Python is that of a conda environment in which mmlab is installed."""
    return (Path(sys.prefix) / "conda-meta").is_dir() and has_mmlab()


def has_mmlab() -> bool:
    """Tell whether mmlab is installed, from this very folder, where this Python looks for packages."""
    found = metadata.distributions(name="mmlab")
    return any(ROOT.as_uri() in (each.read_text("direct_url.json") or "") for each in found)


def environment() -> Path:
    """Return the prefix of the environment that runs the project: an active conda one, or `.venv`."""
    return Path(sys.prefix) if in_conda_environment() else VENV


def variables(prefix: Path) -> dict[str, str]:
    """Return the variables to start a program of the environment at `prefix` with.

    Its commands come first on PATH, its kernels first among Jupyter's (a kernel of the same name in the user's
    home may belong to another Python), and nothing of another Python's libraries leaks in.
    """
    values = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")}
    values["PATH"] = os.pathsep.join(filter(None, [str(scripts(prefix)), values.get("PATH")]))
    kernels = str(prefix / "share" / "jupyter")
    values["JUPYTER_PATH"] = os.pathsep.join(filter(None, [kernels, values.get("JUPYTER_PATH")]))
    values["JUPYTER_PREFER_ENV_PATH"] = "1"
    if prefix == VENV:
        values["VIRTUAL_ENV"] = str(VENV)
    return values
