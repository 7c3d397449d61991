"""Put the lessons into a person's home, then become their Jupyter server: start_server.py COMMAND [ARGUMENTS].

`~/mmlab` gets the notebooks, and the rooms that they point to. What the person has changed is never touched; what they
have not changed follows the course's newest version; what they have removed comes back, so that removing a lesson and
starting anew gives it fresh. It is the person's own process that does this: no link in a home can lead it astray
to what the person may not write anyway.
"""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GIVEN = ".given.json"  # the hash of each file as it was given


def give_lessons(source: Path, home: Path) -> list[str]:
    """Bring the lessons in `home` up to date; return the names of the files that were written."""
    home.mkdir(0o700, parents=True, exist_ok=True)  # on many systems all may read a home
    given, written = read(home / GIVEN), []
    for path in sorted(lesson_files(source)):
        name, target, digest = path.relative_to(source).as_posix(), home / path.relative_to(source), hashed(path)
        if not target.exists() or (hashed(target) == given.get(name) != digest):
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f".{target.name}.part")  # a half-copied lesson must not look like the person's own
            shutil.copyfile(path, part)
            part.replace(target)
            written.append(name)
            given[name] = digest
    (home / GIVEN).write_text(json.dumps(given, indent=0), encoding="utf-8")
    return written


def lesson_files(source: Path) -> list[Path]:
    """Return the files of the lessons: all of notebooks/, and the sources in mmlab/."""
    folders = source / "notebooks", source / "mmlab"
    return [
        path for folder in folders for path in folder.rglob("*")
        if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts)
    ]  # fmt: skip


def hashed(path: Path) -> str:
    """Return the hash of a file's contents."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(path: Path) -> dict[str, str]:
    """Return what was given so far; nothing where the list is not there or not whole."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def main(command: list[str]) -> None:
    """Give the lessons, and run the server even where that fails: a full disk must not lock its owner out."""
    try:
        give_lessons(ROOT, Path.home() / "mmlab")
    except OSError as error:
        print(f"mmlab: the lessons could not be brought up to date: {error}", file=sys.stderr)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
