"""A class comes to the hub at once: python -m tests.hub [N] [--lesson NAME] [--json FILE].

N learners (20) sign in at the same moment; each starts their own server, opens the lesson and runs it. The command
fails when one of them fails, or sees anything that the lesson does not store. It prints how long the steps
took and what memory each person needs, measured when all have run the lesson and all servers and kernels are up.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.hub.hub import Hub, Learner, cores, resident


def attend(learner: Learner, lesson: str) -> list[str]:
    """Let one learner attend; give what went wrong."""
    try:
        return learner.attend(lesson)
    except Exception as error:  # one learner's failure must not hide the others'
        return [f"{learner.name}: {type(error).__name__}: {error}"]


def measure(number: int, lesson: str) -> dict:
    """Run a class of `number` learners in a hub of its own; give what was seen."""
    with tempfile.TemporaryDirectory(prefix="mmlab-hub-") as folder:
        hub = Hub(Path(folder))
        hub.start()
        try:
            learners = [Learner(hub, f"learner{each:02}") for each in range(1, number + 1)]
            start = time.monotonic()
            with ThreadPoolExecutor(number) as pool:
                wrong = list(pool.map(lambda learner: attend(learner, lesson), learners))
            seconds = time.monotonic() - start
            memory = [learner.memory() for learner in learners]
            return {
                "learners": number, "lesson": lesson, "cores": cores(), "seconds": round(seconds, 1),
                "succeeded": sum(not each for each in wrong), "wrong": [words for each in wrong for words in each],
                "times": {name: spread([each.times[name] for each in learners if name in each.times])
                          for name in ("sign in", "server", "open", "run")},
                "own kB": spread([each["own"] for each in memory]), "Pss kB": spread([each["Pss"] for each in memory]),
                "hub and proxy kB": resident(hub.process.pid),
                "processes": sum(len(each.processes()) for each in learners),
            }  # fmt: skip
        finally:
            hub.stop()


def spread(values: list[float]) -> list[float]:
    """Give least, median and most."""
    return [round(f(values), 1) for f in (min, statistics.median, max)] if values else []


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hub", description=__doc__.partition("\n")[0])
    parser.add_argument("number", nargs="?", type=int, default=20)
    parser.add_argument("--lesson", default="04_three_links.ipynb")
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    seen = measure(words.number, words.lesson)
    if words.json:
        words.json.write_text(json.dumps(seen, indent=1))
    print(*seen["wrong"], sep="\n\n", end="\n\n" if seen["wrong"] else "")
    print(f"{seen['succeeded']} of {seen['learners']} learners ran {seen['lesson']}; {seen['cores']} cores, "
          f"{seen['seconds']} s in all, {seen['processes']} processes.")
    for name, (least, median, most) in {k: v for k, v in seen["times"].items() if v}.items():
        print(f"  {name:8} {least:6} to {most:6} s, median {median}")
    for name in ("own kB", "Pss kB"):
        least, median, most = (round(each / 1024) for each in seen[name])
        print(f"  memory for each, {name[:-3]:4} {least} to {most} MB, median {median}")
    print(f"  hub and proxy {round(seen['hub and proxy kB'] / 1024)} MB")
    return 0 if seen["succeeded"] == seen["learners"] else 1


if __name__ == "__main__":
    sys.exit(main())
