"""Write the locks: every package of every supported Python and system, with its hashes and without addresses."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from mmlab.setup import places
from mmlab.setup.places import LOCKS, ROOT
from mmlab.setup.report import CommandFailed, Trouble, quietly, step, told

HEADER = "# Written by `make lock` from pyproject.toml and requirements/tools.in; not edited by hand.\n"


def write(prefix: Path, words: Sequence[str]) -> None:
    """Write test.lock (everything), and its parts in the same versions: for JupyterLab, and for courses as well."""
    resolve(prefix, "test", ["--extra", "test", *words])
    resolve(prefix, "course", ["--extra", "course", "--constraint", "requirements/test.lock"])
    resolve(prefix, "lab", ["--constraint", "requirements/test.lock"])


def resolve(prefix: Path, level: str, words: Sequence[str]) -> None:
    """Resolve one lock with uv and the public index alone, keeping the versions it names where they still fit."""
    target = LOCKS / f"{level}.lock"
    command = [
        str(places.python_of(prefix)), "-m", "uv", "pip", "compile", "pyproject.toml", "requirements/tools.in",
        "--universal", "--python-version", "3.11", "--generate-hashes", "--no-annotate", "--no-header", "--quiet",
        "--output-file", str(target.relative_to(ROOT)), *words,
    ]
    with step(f"resolving requirements/{level}.lock"):
        try:
            quietly(command, env=public_only(places.variables(prefix)), cwd=ROOT)
        except CommandFailed as failure:
            raise told(failure, f"Resolving {target}") from failure
    text = target.read_text(encoding="utf-8")
    if "://" in text or re.search(r" @ ", text):
        raise Trouble(f"{target} names an address.\nWhat to do: remove the index settings of uv, and run it again.")
    target.write_text(HEADER + text, encoding="utf-8", newline="\n")


def public_only(env: dict[str, str]) -> dict[str, str]:
    """Drop all settings of uv that could bring packages from a place of this machine's own."""
    kept = {name: value for name, value in env.items() if not name.startswith("UV_") or name == "UV_CACHE_DIR"}
    return {**kept, "XDG_CONFIG_HOME": os.devnull, "XDG_CONFIG_DIRS": os.devnull}
