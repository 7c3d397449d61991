"""`python -m mmlab lab` itself: the contents page, the right kernel, and nothing in the way."""

import json
import sys

from tests.browser.harness import NOTEBOOK_IS_OPEN, Lab, ask, expect


def test_the_contents_page_opens_with_the_kernel_of_this_environment(page, tmp_path):
    wrong = tmp_path / "data" / "kernels" / "python3" / "kernel.json"  # where a user's own kernels are
    wrong.parent.mkdir(parents=True)
    wrong.write_text(json.dumps({"argv": ["false"], "display_name": "Another Python", "language": "python"}))
    server = Lab(tmp_path)
    server.start("mmlab", "lab")
    try:
        page.goto(f"{server.url}/?token={server.token}")
        page.wait_for_function(NOTEBOOK_IS_OPEN, arg="notebooks/00_start_here.ipynb", timeout=60_000)
        assert ask(page, "__import__('sys').prefix") == repr(sys.prefix)
        page.wait_for_timeout(1000)
        expect(page.locator(".jp-Dialog, .jp-toast-button")).to_have_count(0)
    finally:
        server.stop()
