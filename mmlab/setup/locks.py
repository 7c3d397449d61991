"""Write the locks: every package of every supported Python and system, with its hashes and without addresses."""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from mmlab.setup import places
from mmlab.setup.install import LEVELS
from mmlab.setup.places import LOCKS, ROOT
from mmlab.setup.report import CommandFailed, Trouble, quietly, step, told

HEADER = "# Written by `make lock` from pyproject.toml and requirements/*.in; not edited by hand.\n"
PROJECT = ["pyproject.toml", "requirements/tools.in"]
EVERYWHERE = ["--universal", "--python-version", "3.11"]


def write(prefix: Path, words: Sequence[str]) -> None:
    """Write test.lock (everything) and its parts in the same versions, a lock for each level of install.py.

    page.lock is for the Python of the site's pages, node.lock for machines without Node, and package-lock.json for npm.
    """
    same = ["--constraint", "requirements/test.lock"]
    for level in reversed(LEVELS):
        extras = [word for each in LEVELS[1 : LEVELS.index(level) + 1] for word in ("--extra", each)]
        resolve(prefix, level, [*PROJECT, *extras, *EVERYWHERE, *(words if level == "test" else same)])
    resolve(prefix, "page", ["requirements/page.in", "--no-deps", "--python-version", "3.14", *words])
    resolve(prefix, "node", ["requirements/node.in", *EVERYWHERE, *words])
    lock_npm()


def lock_npm() -> None:
    """Write package-lock.json from package.json, without addresses."""
    npm = shutil.which("npm")
    if npm is None:
        print("requirements/npm/package-lock.json stays as it is: there is no npm here.")
        return
    command = [npm, "install", "--package-lock-only", "--omit-lockfile-registry-resolved", "--ignore-scripts"]
    with step("resolving requirements/npm/package-lock.json"):
        try:
            quietly(command, cwd=LOCKS / "npm")
        except CommandFailed as failure:
            raise told(failure, "Resolving requirements/npm/package-lock.json") from failure


def resolve(prefix: Path, level: str, words: Sequence[str]) -> None:
    """Resolve one lock with uv and the public index alone, keeping the versions it names where they still fit."""
    target = LOCKS / f"{level}.lock"
    command = [
        str(places.python_of(prefix)), "-m", "uv", "pip", "compile", "--generate-hashes", "--no-annotate",
        "--no-header", "--quiet", "--output-file", str(target.relative_to(ROOT)), *words,
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
