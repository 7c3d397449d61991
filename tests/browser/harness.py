"""Drive the lessons in JupyterLab as a learner does: a real server, a real Chromium, the keyboard.

    def test_slider(page, lab):
        open_notebook(page, lab, "01_three_links.ipynb")
        run_all(page)                                        # AssertionError names the cell that failed
        handle = page.locator(".noUi-handle").first
        handle.focus()
        page.keyboard.press("ArrowRight")
        expect(page.locator(".widget-html-content svg").first).to_contain_text("vm_pgoff")
        assert ask(page, "vma.vm_pgoff") == "1"              # what the kernel itself says
        screenshot(page, "slider")                           # build/screenshots/slider.png

Fixtures (conftest.py):

`lab`   a JupyterLab of this environment on a free port of 127.0.0.1, for the whole test run. It serves *copies* of the
        notebooks, under settings, workspaces and a kernel list of its own. `lab.add(name, cells)` writes one more.
`page`  a playwright page in the Chromium that `mmlab.setup.browser` finds, new for each test. Requests to any other
        machine are refused; one such request, or an uncaught exception in the page, fails the test when it ends.
        `page.console_errors` lists what was written to the console as an error, `page.refused` the refused addresses.

A widget's SVG is inline (`.widget-html-content svg`); a displayed SVG is an `<img>` (`.jp-RenderedSVG img`).
"""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Sequence
from pathlib import Path

import axe_playwright_python
import nbformat
from playwright.sync_api import Locator, Page, expect

from mmlab.setup import launch, places
from mmlab.setup.install import is_root

__all__ = ["Lab", "ask", "count_widgets", "expect", "open_notebook", "run_all", "screenshot", "theme", "violations"]

SCREENSHOTS = places.ROOT / "build" / "screenshots"
STARTS = 60  # seconds that JupyterLab, or a notebook in it, may take to start
RUNS = 120  # seconds that a notebook may take to run

NOTEBOOK_IS_OPEN = """path => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.context?.path === path && panel.context.isReady && panel.context.sessionContext.isReady
        && panel.context.sessionContext.session?.kernel?.status === 'idle';
}"""
RUN_ALL = """() => {
    window.ranAll = false;
    window.jupyterapp.commands.execute('notebook:run-all-cells').finally(() => { window.ranAll = true; });
}"""
HAS_RUN = """() => window.ranAll
    && window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.status === 'idle'"""
ERRORS = """() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells.flatMap((cell, index) =>
    (cell.cell_type === 'code' ? cell.getOutputs() : [])
        .filter(output => output.output_type === 'error')
        .map(output => `cell ${index}: ${output.ename}: ${output.evalue}\\n${cell.getSource()}`))"""
ASK = """async expression => {
    const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
    const request = { code: '', store_history: false, user_expressions: { answer: expression } };
    const reply = await kernel.requestExecute(request).done;
    return reply.content.user_expressions.answer;
}"""


AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
ASK_AXE = """async css => (await axe.run({ include: [[css]], exclude: [['.noUi-handle']] })).violations
    .filter(found => ['serious', 'critical'].includes(found.impact))
    .flatMap(found => found.nodes.map(node => `${found.id}: ${node.html}\\n${node.failureSummary}`))"""


class Lab:
    """A JupyterLab server on copies of the notebooks, with all its own files under `home`."""

    def __init__(self, home: Path, prompt: bool = True) -> None:
        """`prompt`: with the websocket of `make lab`; else with Jupyter's own, which waits for TCP."""
        self.options = [f"--ServerApp.root_dir={home / 'root'}", *([launch.PROMPT] if prompt else [])]
        self.home, self.root, self.token = home, home / "root", uuid.uuid4().hex
        self.log = home / "jupyterlab.log"
        kept_out = shutil.ignore_patterns(".ipynb_checkpoints")
        if places.NOTEBOOKS.exists():
            shutil.copytree(places.NOTEBOOKS, self.root / "notebooks", ignore=kept_out)
        (self.root / "notebooks").mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def add(self, name: str, cells: Sequence[str]) -> str:
        """Write a notebook of code cells beside the copies and return its name."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.root / "notebooks" / name)
        return name

    def start(self, *program: str) -> None:
        """Start the server, by JupyterLab itself or by another `program` of Python's, and wait until it answers."""
        command = [
            sys.executable, "-m", *(program or ("jupyterlab", *self.options)),
            "--no-browser", "--ip=127.0.0.1", f"--port={self.port}", "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self.token}", "--LabApp.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly", *(["--allow-root"] if is_root() else []),
        ]  # fmt: skip
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command, cwd=self.root, env=self.variables(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.wait()

    def variables(self) -> dict[str, str]:
        """Return the variables of the server, with its folders in `home`."""
        folders = {
            "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "IPYTHONDIR": "ipython",
        }  # fmt: skip
        return places.variables(Path(sys.prefix)) | {name: str(self.home / dir) for name, dir in folders.items()}

    def wait(self) -> None:
        """Wait until the server answers; raise with its log when it ends or stays silent."""
        asked = urllib.request.Request(f"{self.url}/api/status", headers={"Authorization": f"token {self.token}"})
        deadline = time.monotonic() + STARTS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=5).close()
                return
            except OSError:
                time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text(errors='replace')[-3000:]}")

    def stop(self) -> None:
        """End the server, which ends its kernels; a kernel whose server is gone ends by itself."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def open_notebook(page: Page, lab: Lab, name: str) -> None:
    """Open `notebooks/name` in a new workspace and wait until its kernel is idle."""
    path = f"notebooks/{name}"
    page.goto(f"{lab.url}/lab/workspaces/{uuid.uuid4().hex}/tree/{path}?token={lab.token}&reset")
    page.wait_for_function(NOTEBOOK_IS_OPEN, arg=path, timeout=STARTS * 1000)


def run_all(page: Page, timeout: float = RUNS) -> None:
    """Run all cells and wait until the kernel is idle; raise AssertionError with every cell that failed."""
    page.evaluate(RUN_ALL)
    page.wait_for_function(HAS_RUN, timeout=timeout * 1000)
    errors = page.evaluate(ERRORS)
    assert not errors, "\n\n".join(errors)


def ask(page: Page, expression: str) -> str:
    """Return the repr of an expression in the kernel of the open notebook, evaluated after what is under way."""
    answer = page.evaluate(ASK, expression)
    assert answer["status"] == "ok", f"{expression}: {answer['ename']}: {answer['evalue']}"
    return str(answer["data"]["text/plain"])


def count_widgets(page: Page) -> str:
    """Return how many widgets and comms the kernel of the open notebook has."""
    widgets = "len(__import__('ipywidgets').widgets.widget._instances)"
    return ask(page, f"({widgets}, len(get_ipython().kernel.comm_manager.comms))")


def violations(page: Page, css: str) -> list[str]:
    """Return what axe-core finds wrong, seriously or critically, in the elements `css` and all that is in them.

    The handle of a slider is left out: ipywidgets makes it, gives it no name, and offers no way to.
    """
    page.evaluate(AXE.read_text(encoding="utf-8"))
    return list(page.evaluate(ASK_AXE, css))


def theme(page: Page, name: str) -> None:
    """Switch JupyterLab to the theme "light" or "dark"."""
    page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })",
        {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}[name],
    )
    page.wait_for_function(
        "light => document.body.dataset.jpThemeLight === light", arg="true" if name == "light" else "false"
    )
    expect(page.locator("#jupyterlab-splash")).to_have_count(0)


def screenshot(page: Page, name: str, of: Locator | None = None) -> Path:
    """Save what is on screen, or the element `of`, as build/screenshots/name.png and return the path."""
    path = SCREENSHOTS / f"{name}.png"
    (of or page).screenshot(path=path)
    return path
