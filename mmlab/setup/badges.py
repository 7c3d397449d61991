"""Write the badges that open the lessons elsewhere, for the repository that this folder was cloned from.

They name the repository, which only its owner knows; so none is stored: `make badges` prints them, for `origin` or for
the address given, and a fork or a move needs no edit here.
"""

import re
from collections.abc import Sequence
from urllib.parse import quote

from mmlab.setup.launch import FIRST
from mmlab.setup.places import ROOT
from mmlab.setup.report import CommandFailed, Trouble, quietly

WHAT_TO_DO = "What to do: name the public address: make badges ARGS=https://HOST/OWNER/NAME"


def run(words: Sequence[str]) -> int:
    """Print the badges of the address given, or of `origin`."""
    print("\n".join(badges(words[0] if words else origin())))
    return 0


def origin() -> str:
    """Return the address of the remote `origin`."""
    try:
        return quietly(["git", "-C", ROOT, "remote", "get-url", "origin"]).strip()
    except CommandFailed as failure:
        raise Trouble(f"This folder has no remote named origin.\n{WHAT_TO_DO}") from failure


def badges(address: str) -> list[str]:
    """Return a badge in Markdown for each place that can open the repository at `address`.

    >>> print(*badges("git@gitlab.com:group/team/mmlab.git"), sep="\\n")
    [![Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gl/group%2Fteam%2Fmmlab/HEAD?urlpath=lab%2Ftree%2Fnotebooks%2F00_start_here.ipynb)
    """
    host, path = parsed(address)
    place = quote(path, safe="") if host != "github.com" else path
    where = {"github.com": f"gh/{path}", "gitlab.com": f"gl/{place}"}
    source = where.get(host, f"git/{quote(f'https://{host}/{path}', safe='')}")
    start = f"https://mybinder.org/v2/{source}/HEAD?urlpath={quote(f'lab/tree/{FIRST}', safe='')}"
    found = [f"[![Binder](https://mybinder.org/badge_logo.svg)]({start})"]
    if host == "github.com":
        found.append("[![Codespaces](https://github.com/codespaces/badge.svg)]"
                     f"(https://codespaces.new/{path}?quickstart=1)")
    return found


def parsed(address: str) -> tuple[str, str]:
    """Return host and path of a repository's address, as git writes it; no name or password of a person is kept.

    >>> parsed("https://me:secret@example.org/you/mmlab.git"), parsed("ssh://git@github.com:22/you/mmlab")
    (('example.org', 'you/mmlab'), ('github.com', 'you/mmlab'))
    """
    form = r"(?:(?:https?|ssh|git)://(?:[^@/]+@)?([\w.-]+)(?::\d+)?/|(?:[\w.-]+@)?([\w.-]+\.[\w.-]+):)([^?#]+?)(?:\.git)?/?"
    found = re.fullmatch(form, address)
    if not found or "/" not in found[3]:
        raise Trouble(f"{address} is no public address of a repository.\n{WHAT_TO_DO}")
    return (found[1] or found[2]).lower(), found[3]
