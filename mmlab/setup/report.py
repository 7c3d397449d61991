"""What a person reads: one line for each step, and a sentence for each thing that can go wrong."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mmlab.setup.places import LOG


class Trouble(Exception):
    """A failure told in sentences: what failed, where, and what to do."""


class CommandFailed(Exception):
    """A command that ended badly; `output` is all that it printed."""

    def __init__(self, command: Sequence[str], output: str) -> None:
        super().__init__(" ".join(command))
        self.command = command
        self.output = output


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print `title …` before a long step and `ok` with its seconds after it, or `failed`."""
    print(f"{title} … ", end="", flush=True)
    start = time.monotonic()
    try:
        yield
    except BaseException:
        print("failed", flush=True)
        raise
    print(f"ok ({time.monotonic() - start:.1f} s)", flush=True)


def quietly(command: Sequence[str | Path], env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a command and return what it printed; raise `CommandFailed` when it ends badly."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, env=env, cwd=cwd, text=True, encoding="utf-8", errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
    except OSError as error:
        raise CommandFailed(words, str(error)) from error
    if done.returncode:
        raise CommandFailed(words, done.stdout)
    return done.stdout


# What a failed command's output says → what that means, and what to do. The first match counts.
CAUSES = [
    (("No space left", "os error 28", "Disk quota exceeded", "os error 112"),
     "The disk is full.", "Free about 1 GB on the disk that holds this folder and your home, and run it again."),
    (("hash mismatch", "Hash mismatch", "DO NOT MATCH THE HASHES"),
     "A downloaded package is not the one whose hash is locked.",
     "Run it again; if it happens again, the package index or a proxy is serving altered files."),
    (("Permission denied", "os error 13", "Access is denied"),
     "A file may not be written or read.", "Make the folder yours (or close what holds its files) and run it again."),
    (("name resolution", "dns error", "Failed to fetch", "error sending request", "Max retries", "timed out",
      "NewConnectionError", "ConnectionError", "Network is unreachable",
      "Connection refused", "SSLError", "CERTIFICATE", "client error (Connect)"),
     "The package index cannot be reached.",
     "Check the network (and the proxy or certificate settings of pip), and run it again."),
    (("no usable wheels", "no wheels with a matching", "building from source is disabled",
      "Could not find a version", "No matching distribution"),
     "The package index has no file of a package that fits this machine.",
     "Use conda instead (conda env create -f environment.yml); if pip is set to use a mirror, try another one."),
]


def told(failure: CommandFailed, what: str) -> Trouble:
    """Turn a failed command into a `Trouble`, and keep all of its output in the log."""
    cause, advice = "", "Read the log, put right what it names, and run it again: it goes on where it stopped."
    for marks, sentence, remedy in CAUSES:
        if any(mark in failure.output for mark in marks):
            cause, advice = sentence, remedy
            break
    said = [line.strip() for line in failure.output.splitlines() if line.strip() and "Retrying (" not in line]
    lines = [f"{what} failed. {cause}".rstrip(), *(f"    {line[:200]}" for line in said[-6:])]
    return Trouble("\n".join([*lines, f"What to do: {advice}", *keep(failure)]))


def keep(failure: CommandFailed) -> list[str]:
    """Write the failed command and its output to the log; return a line that says where, if it could."""
    try:
        LOG.parent.mkdir(exist_ok=True)
        LOG.write_text(" ".join(failure.command) + "\n\n" + failure.output, encoding="utf-8")
    except OSError:
        return []
    return [f"The whole output: {LOG}"]
