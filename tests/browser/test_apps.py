"""The labs as apps without code, by Voilà as `make apps` starts it, in a real browser that sees no other machine."""

import subprocess
import time
import urllib.request

import pytest

from mmlab.setup import apps, places
from tests.browser.harness import expect, free_port, screenshot, violations

WAIT = 60_000
APPS = sorted(path.name for path in places.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))[1:]


@pytest.fixture(scope="module")
def voila(tmp_path_factory):
    """Serve the apps; give their address."""
    home, port = tmp_path_factory.mktemp("apps"), free_port()
    assert [path.name for path in apps.write(home / "apps")] == APPS
    command = apps.command(home / "apps", [f"--Voila.port={port}", "--Voila.port_retries=0", "--no-browser"])
    folders = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "IPYTHONDIR": "ipython"}
    env = apps.variables() | {name: str(home / folder) for name, folder in folders.items()}
    with open(home / "log", "wb") as log:
        process = subprocess.Popen(command, cwd=home, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        wait(address, process, home / "log")
        yield address
    finally:
        process.terminate()
        process.wait(30)


def wait(address, process, log):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=5).close()
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"Voilà did not start:\n{log.read_text(errors='replace')[-2000:]}")


def opened(page, voila, name):
    """Open an app, and give its lab once it is there."""
    page.goto(f"{voila}/voila/render/{name}")
    lab = page.locator(".mm-lab")
    expect(lab.locator("[role=status]")).not_to_be_empty(timeout=WAIT)
    return lab


def test_the_list_leads_to_each_app(page, voila):
    page.goto(voila)
    links = page.locator("li a").evaluate_all("links => links.map(a => a.getAttribute('href').split('/').pop())")
    assert links == APPS
    assert violations(page, "body") == []
    screenshot(page, "apps")


@pytest.mark.parametrize("name", APPS)
def test_an_app_shows_its_lab_and_no_code(page, voila, name):
    """It has the lesson's words, the lab with its pictures, and neither a cell's source nor an error."""
    lab = opened(page, voila, name)
    expect(lab.locator("svg[role=img]").first).to_be_visible()
    assert lab.locator("svg[role=img] > desc").first.text_content()
    assert page.locator(".jp-CodeCell .jp-InputArea, .jp-CodeMirrorEditor, .highlight").count() == 0
    words = page.locator("body").inner_text()
    assert "import" not in words.split() and "Traceback" not in words
    expect(page.locator("h1")).to_contain_text(f"{int(name[:2])} · ")
    screenshot(page, f"app-{name[:2]}")


def test_a_slider_moves_the_picture(page, voila):
    lab = opened(page, voila, "04_three_links.ipynb")
    before, words = lab.locator("svg").first.inner_html(), lab.locator("[role=status]").text_content()
    handle = lab.locator(".noUi-handle").first
    handle.focus()
    page.keyboard.press("ArrowRight")
    expect(lab.locator("[role=status]")).not_to_have_text(words, timeout=WAIT)
    assert lab.locator("svg").first.inner_html() != before
    assert "vm_pgoff = 2" in lab.locator("svg > desc").first.text_content()
