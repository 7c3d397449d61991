"""Start JupyterLab on the contents page, in the project's environment."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from mmlab.setup import places
from mmlab.setup.install import is_root
from mmlab.setup.places import ROOT

FIRST = "notebooks/00_start_here.ipynb"
PROMPT = "--ServerApp.kernel_websocket_connection_class=mmlab.setup.websocket.PromptConnection"


def lab(prefix: Path, words: Sequence[str]) -> int:
    """Run JupyterLab until it is stopped; `words` are more arguments for it."""
    command = lab_command(prefix, words)
    print("Starting JupyterLab; stop it with Control-C in this terminal.", flush=True)
    env = places.variables(prefix)
    os.chdir(ROOT)
    if places.WINDOWS:
        return subprocess.call(command, env=env)
    os.execve(command[0], command, env)


def lab_command(prefix: Path, words: Sequence[str]) -> list[str]:
    """Return the command that starts JupyterLab with the project's folder as its root."""
    command = [str(places.python_of(prefix)), "-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}", PROMPT]
    if (ROOT / FIRST).exists():
        command.append(f"--LabApp.default_url=/lab/tree/{FIRST}")
    if is_root():
        command.append("--allow-root")
    return [*command, *words]
