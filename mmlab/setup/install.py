"""Make `.venv` and fill it from the lock; do nothing when that is already done.

A stamp in `.venv` says what is installed: which lock (one of LEVELS), its hash, the Python and the folder. It is
written last; an environment without it is finished or made anew.
"""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from mmlab.setup import places
from mmlab.setup.places import LOCKS, ROOT, VENV
from mmlab.setup.report import CommandFailed, Trouble, quietly, step, told

STAMP = VENV / "mmlab-setup.json"
LEVELS = ["lab", "course", "site", "serve", "test"]  # each holds the packages of those before it
SITE_KERNEL = "@jupyterlite/pyodide-kernel-extension"  # runs in the pages of the site alone
ASIDE = VENV / "share" / "mmlab" / "labextensions"
NO_NEWS = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}


def ensure(level: str) -> Path:
    """Return the prefix of an environment with the packages of `level`, made if need be.

    An active conda environment with mmlab in it serves the lab as it is; the tests always run in `.venv`.
    """
    if level == "lab" and places.in_conda_environment():
        print(f"Using the active conda environment {sys.prefix}.")
        return Path(sys.prefix)
    try:
        if not is_ready(level):
            install(level)
    except OSError as error:
        raise Trouble(f"Setting up failed: {error}.\nWhat to do: {advice(error)}") from error
    return VENV


def advice(error: OSError) -> str:
    """Say what to do about a failed file operation."""
    if error.errno == 28:  # ENOSPC
        return "free about 1 GB on that disk, and run it again."
    return f"make {ROOT} and {VENV.name} in it writable for you, and run it again."


def wanted(level: str) -> dict[str, str]:
    """Return the stamp of a complete environment for `level`."""
    lock, project = (LOCKS / f"{level}.lock").read_bytes(), (ROOT / "pyproject.toml").read_bytes()
    digest = hashlib.sha256(lock + project).hexdigest()
    return {"level": level, "digest": digest, "root": str(ROOT)}


def stamp() -> dict[str, str]:
    """Return what the stamp in `.venv` says, empty when there is none."""
    try:
        return dict(json.loads(STAMP.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def enough(level: str) -> str:
    """Return the level to install so that what a former set-up brought stays: the larger of the two."""
    return max(level, stamp().get("level", level), key=LEVELS.index)


def is_ready(level: str) -> bool:
    """Tell whether `.venv` holds what `level` needs, was made in this folder, and its Python still starts."""
    return stamp() == wanted(enough(level)) and starts()


def starts() -> bool:
    """Tell whether the Python of `.venv` runs, is new enough and has pip."""
    probe = "import sys, importlib.util as u; sys.exit(sys.version_info < (3, 11) or not u.find_spec('pip'))"
    try:
        quietly([places.python_of(VENV), "-c", probe], env=places.variables(VENV))
    except CommandFailed:
        return False
    return True


def install(level: str) -> None:
    """Make `.venv` and install the packages of `level` and the project, in four steps, each safe to repeat."""
    level = enough(level)
    lock = LOCKS / f"{level}.lock"
    version = ".".join(map(str, sys.version_info[:3]))
    count = len(re.findall(r"^\S+==", lock.read_text(encoding="utf-8"), re.M))
    if not can_be_continued():
        discard()
        prepare_venv_module()
        with step(f"[1/4] making {VENV.name} with Python {version}"):
            mark(unfinished(level))
            make_venv()
    mark(unfinished(level))
    with step("[2/4] getting the installer"):
        installer = choose_installer(lock)
    with step(f"[3/4] installing {count} locked packages (some minutes on a slow network)"):
        install_packages(installer, lock)
    with step("[4/4] installing mmlab itself from this folder"):
        install_project(installer)
        silence_news()
        set_aside(SITE_KERNEL)
        if level != "lab":
            name_the_course()
    mark(wanted(level))


def unfinished(level: str) -> dict[str, str]:
    """Return the stamp of an environment that is being made."""
    return {"level": level, "root": str(ROOT), "unfinished": "yes"}


def mark(state: dict[str, str]) -> None:
    """Write the stamp."""
    VENV.mkdir(exist_ok=True)
    STAMP.write_text(json.dumps(state), encoding="utf-8")


def can_be_continued() -> bool:
    """Tell whether `.venv` can be installed into as it is; say so when it cannot."""
    if not VENV.exists():
        return False
    state = stamp()
    if state.get("unfinished"):
        print("An earlier set-up was interrupted: making .venv anew (what it downloaded is kept).")
    elif state and state.get("root") != str(ROOT):
        print(f"This folder was {state.get('root')}: making .venv anew.")
    elif not starts():
        print("The Python of .venv does not start or has no pip: making .venv anew.")
    else:
        return True
    return False


def discard() -> None:
    """Remove an environment that cannot be used, but never a folder that is something else."""
    if VENV.is_symlink():
        VENV.unlink()
    elif VENV.exists():
        if any(VENV.iterdir()) and not (STAMP.exists() or (VENV / "pyvenv.cfg").exists()):
            raise Trouble(f"{VENV} is not a Python environment.\nWhat to do: move it away, and run it again.")
        shutil.rmtree(VENV)


def prepare_venv_module() -> None:
    """See to it that `python -m venv` works: Debian and Ubuntu keep a part of it in a package of its own."""
    if all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        return
    package = f"python3.{sys.version_info.minor}-venv"
    command = f"apt-get install -y {package}"
    if not (shutil.which("apt-get") and sys.base_prefix == "/usr"):
        raise Trouble(
            f"{sys.executable} cannot make environments: its module ensurepip is missing.\n"
            "What to do: install your system's package for Python's venv and ensurepip, or a Python from python.org."
        )
    if not is_root():
        raise Trouble(f"{sys.executable} cannot make environments yet.\nWhat to do: sudo {command}")
    with step(f"[0/4] {command}"):
        apt_install(package)


def is_root() -> bool:
    """Tell whether this is the superuser of a Unix system."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def apt_install(package: str) -> None:
    """Install a Debian package, as root."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        quietly(["apt-get", "update"], env=env)
        quietly(["apt-get", "install", "-y", "--no-install-recommends", package], env=env)
    except CommandFailed as failure:
        raise told(failure, f"Installing the system package {package}") from failure
    importlib.invalidate_caches()


def make_venv() -> None:
    """Make `.venv` with pip in it, by the Python that this one is an environment of, if it is one."""
    python = getattr(sys, "_base_executable", sys.executable)
    try:
        quietly([python, "-m", "venv", VENV], env=places.variables(Path(sys.prefix)))
    except CommandFailed as failure:
        raise told(failure, f"Making the environment {VENV}") from failure


def choose_installer(lock: Path) -> list[str]:
    """Return the command that installs packages: uv, in its locked version, or pip where uv cannot be had."""
    python = str(places.python_of(VENV))
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off",
           "--only-binary", ":all:"]
    try:
        with tempfile.TemporaryDirectory() as folder:
            pin = Path(folder) / "uv.txt"
            pin.write_text(entry(lock, "uv"), encoding="utf-8")
            quietly([*pip, "-q", "--no-deps", "--require-hashes", "-r", pin], env=places.variables(VENV))
        quietly([python, "-m", "uv", "--version"])
    except CommandFailed as failure:
        trouble = told(failure, f"Getting the installer for {VENV}")
        if any(cause in str(trouble) for cause in ("cannot be reached", "disk is full", "hash is locked")):
            raise trouble from failure
        print("no uv for this machine, pip is used (slower) … ", end="", flush=True)
        return pip
    return [python, "-m", "uv", "pip", "install", "--python", python, "--no-build"]


def entry(lock: Path, name: str) -> str:
    """Return the lines of one package in a lock, its hashes included."""
    found = re.search(rf"^{name}==.*(?:\n    .*)*", lock.read_text(encoding="utf-8"), re.M)
    if not found:
        raise Trouble(f"{lock} does not name {name}.\nWhat to do: git checkout {lock.relative_to(ROOT)}")
    return found[0] + "\n"


def installer_variables() -> dict[str, str]:
    """Return the variables for the installer; the index that pip is set to use (a mirror, say) holds for uv too."""
    env = places.variables(VENV)
    try:
        listing = quietly([places.python_of(VENV), "-m", "pip", "config", "list"], env=env)
    except CommandFailed:
        return env
    for index in re.findall(r"^(?:global|install|:env:)\.index-url='(.*)'$", listing, re.M):
        env.setdefault("UV_DEFAULT_INDEX", index)
    return env


def install_packages(installer: list[str], lock: Path) -> None:
    """Install all that the lock names, each file checked against its hash."""
    try:
        quietly([*installer, "--no-deps", "--require-hashes", "-r", lock], env=installer_variables(), cwd=ROOT)
    except CommandFailed as failure:
        raise told(failure, f"Installing the packages into {VENV}") from failure


def install_project(installer: list[str]) -> None:
    """Install mmlab itself, editable, with the locked build backend that is already there."""
    words = [word for word in installer if word not in ("--no-build", "--only-binary", ":all:")]
    try:
        quietly([*words, "--no-deps", "--no-build-isolation", "-e", ROOT], env=installer_variables(), cwd=ROOT)
    except CommandFailed as failure:
        raise told(failure, f"Installing mmlab itself into {VENV}") from failure


def silence_news() -> None:
    """Keep JupyterLab from asking at its first start whether it may fetch news."""
    folder = VENV / "etc" / "jupyter" / "labconfig"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "page_config.json").write_text(json.dumps(NO_NEWS), encoding="utf-8")


def set_aside(extension: str) -> None:
    """Put an extension of JupyterLab where only the site's builder finds it: in JupyterLab itself it would fail."""
    folder, aside = VENV / "share" / "jupyter" / "labextensions" / extension, ASIDE / extension
    if folder.exists():
        shutil.rmtree(aside, ignore_errors=True)
        aside.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(folder, aside)


def name_the_course() -> None:
    """Let nbgrader find the course from wherever it is started: JupyterLab's menu shows it in `make lab` too."""
    folder = VENV / "etc" / "jupyter"
    folder.mkdir(parents=True, exist_ok=True)
    course = str(ROOT / "notebooks" / "coursework")
    (folder / "nbgrader_config.py").write_text(f"load_subconfig('nbgrader_config.py', {course!r})\n", encoding="utf-8")
