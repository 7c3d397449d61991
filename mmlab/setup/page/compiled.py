"""Compile the modules in all packages of a folder, with the Python that will import them: a page starts sooner.

It runs in Pyodide under Node (run.mjs). mmlab keeps its sources, which lessons show; of the others only the compiled
modules stay.
"""

import py_compile
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH


def compile_all(folder: Path) -> None:
    """Write each zip or wheel of `folder` anew."""
    for path in sorted([*folder.glob("*.whl"), *folder.glob("*.zip")]):
        with zipfile.ZipFile(path) as package:
            files = {name: package.read(name) for name in package.namelist() if not name.endswith("/")}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
            for name, data in files.items():
                for each, content in members(name, data, keep=path.name.startswith("mmlab-")):
                    package.writestr(each, content)


def members(name: str, data: bytes, keep: bool) -> list[tuple[str, bytes]]:
    """Return what stands for one file: a module is compiled, beside its source if that is kept."""
    if not name.endswith(".py") or "/tests/" in name:
        return [(name, data)]
    if not keep:
        return [(f"{name}c", code(name, data))]
    folder, _, file = name.rpartition("/")
    return [(name, data), (f"{folder}/__pycache__/{file[:-3]}.cpython-314.pyc", code(name, data))]


def code(name: str, data: bytes) -> bytes:
    """Return the .pyc of a module; it holds without its source."""
    with TemporaryDirectory() as folder:
        source, target = Path(folder, "module.py"), Path(folder, "module.pyc")
        source.write_bytes(data)
        py_compile.compile(str(source), str(target), dfile=name, doraise=True, quiet=1, invalidation_mode=UNCHECKED)
        return target.read_bytes()


if __name__ == "__main__":
    compile_all(Path("/packages"))
