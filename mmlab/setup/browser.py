"""Find the Chromium that the browser tests drive, or install one."""

import os
import shutil
from pathlib import Path

from mmlab.setup import places
from mmlab.setup.install import apt_install, is_root
from mmlab.setup.report import CommandFailed, Trouble, quietly, step

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge"]
ELSEWHERE = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
]
ASK_PLAYWRIGHT = (
    "from playwright.sync_api import sync_playwright as start\n"
    "with start() as p: print(p.chromium.executable_path)"
)


def find() -> str | None:
    """Return the path of a Chromium or Chrome of this machine that starts; `MMLAB_CHROMIUM` goes first."""
    named = [os.environ.get("MMLAB_CHROMIUM"), *map(shutil.which, NAMES), *ELSEWHERE]
    return next((path for path in named if path and runs(path)), None)


def runs(path: str) -> bool:
    """Tell whether the browser at `path` is one (Ubuntu's chromium-browser may be a stub that only asks for snap)."""
    if not Path(path).exists():
        return False
    try:
        return places.WINDOWS or bool(quietly([path, "--version"]).strip())
    except CommandFailed:
        return False


def find_playwrights(prefix: Path) -> str | None:
    """Return the path of the Chromium that playwright downloaded, if it has."""
    try:
        path = quietly([places.python_of(prefix), "-c", ASK_PLAYWRIGHT], env=places.variables(prefix)).strip()
    except CommandFailed:
        return None
    return path if runs(path) else None


def provide(prefix: Path) -> None:
    """See to it that there is a browser, and name it in `MMLAB_CHROMIUM`; raise `Trouble` when none can be had."""
    path = find() or find_playwrights(prefix) or install_by_apt() or download(prefix)
    if not path:
        raise Trouble(
            "The browser tests found no Chromium or Chrome and could not install one.\n"
            "What to do: install one (Debian: sudo apt-get install chromium), or name it in MMLAB_CHROMIUM."
        )
    os.environ["MMLAB_CHROMIUM"] = path


def install_by_apt() -> str | None:
    """Install Debian's chromium where that is possible, and return its path."""
    if not (is_root() and shutil.which("apt-get")):
        return None
    try:
        with step("installing the browser for the tests: apt-get install chromium (some 80 MB)"):
            apt_install("chromium")
    except Trouble as trouble:
        print(trouble)
    return find()


def download(prefix: Path) -> str | None:
    """Let playwright download its Chromium, and return its path."""
    words = ["--with-deps"] if is_root() else []
    command = [str(places.python_of(prefix)), "-m", "playwright", "install", *words, "chromium"]
    try:
        with step("installing the browser for the tests: playwright install chromium (some 150 MB)"):
            quietly(command, env=places.variables(prefix))
    except CommandFailed as failure:
        print(failure.output.strip()[-500:])
    return find_playwrights(prefix)
