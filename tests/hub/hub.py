"""A real JupyterHub with its proxy, as `make hub ARGS=--trial` starts it, and learners who come to it.

A learner signs in through the form, starts their server, opens a lesson and runs it cell by cell over the
websocket, all through the proxy, as JupyterLab does. What a cell shows is compared with what the lesson stores.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from configparser import RawConfigParser
from pathlib import Path

import requests
import websocket

from mmlab.setup import hub, places
from tests.browser.harness import free_port

PASSWORD = "only for this test"
SANITIZERS = RawConfigParser()
SANITIZERS.read(places.ROOT / "tests" / "nbval.cfg", encoding="ascii")


class Hub:
    """A hub with all its files under `state`, on free ports of 127.0.0.1."""

    def __init__(self, state: Path) -> None:
        self.state, self.log = state, state / "hub.log"
        ports = [free_port() for _ in range(3)]
        self.url = f"http://127.0.0.1:{ports[0]}"
        self.options = [
            f"--JupyterHub.bind_url={self.url}",
            f"--JupyterHub.hub_port={ports[1]}",
            f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{ports[2]}",
        ]

    def start(self) -> None:
        """Start the hub and wait until it answers through its proxy."""
        prefix = Path(sys.prefix)
        env = hub.variables(prefix, self.state, PASSWORD) | {"CONFIGPROXY_AUTH_TOKEN": uuid.uuid4().hex}
        hub.provide_proxy(env)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                hub.hub_command(prefix, self.options), cwd=self.state, env=env, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if requests.get(f"{self.url}/hub/api", timeout=5).ok:
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"JupyterHub did not start:\n{self.log.read_text(errors='replace')[-3000:]}")

    def stop(self) -> None:
        """End the hub as Control-C does, which stops its servers and its proxy too."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Learner:
    """A person at the hub, with a browser's cookies; `times` are the seconds that each of their steps took."""

    def __init__(self, hub: Hub, name: str) -> None:
        self.hub, self.name, self.times = hub, name, {}
        self.home = f"{hub.url}/user/{name}"
        self.browser = requests.Session()
        self.browser.trust_env = False

    def sign_in(self) -> None:
        """Fill in the form."""
        self.get(f"{self.hub.url}/hub/login")
        form = {"username": self.name, "password": PASSWORD, "_xsrf": self.cookie("/hub/")}
        answer = self.browser.post(f"{self.hub.url}/hub/login?next=%2Fhub%2Fhome", data=form, timeout=120)
        assert answer.ok and answer.url.endswith("/hub/home"), f"{self.name} could not sign in: {answer.url}"

    def start_server(self) -> None:
        """Press the button that starts the server, and wait until it shows JupyterLab."""
        self.get(f"{self.hub.url}/hub/spawn")
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            answer = self.browser.get(f"{self.home}/lab", timeout=120)
            if answer.ok and answer.url.startswith(f"{self.home}/lab"):
                return
            if answer.status_code == 500:
                break
            time.sleep(0.5)
        log = self.hub.log.read_text(errors="replace")[-3000:]
        raise AssertionError(f"the server of {self.name} did not start: {answer.status_code} {answer.url}\n{log}")

    def open(self, lesson: str) -> dict:
        """Open a lesson: read the notebook and start its kernel; give the notebook."""
        path = f"mmlab/notebooks/{lesson}"
        notebook = self.get(f"{self.home}/api/contents/{path}").json()["content"]
        asked = {"path": path, "name": lesson, "type": "notebook", "kernel": {"name": "python3"}}
        headers = {"X-XSRFToken": self.cookie(f"/user/{self.name}/")}
        answer = self.browser.post(f"{self.home}/api/sessions", json=asked, headers=headers, timeout=120)
        assert answer.ok, f"{self.name} has no kernel: {answer.status_code} {answer.text}"
        self.kernel = answer.json()["kernel"]["id"]
        return notebook

    def run(self, notebook: dict) -> list[str]:
        """Run all cells; give what a cell shows that the lesson does not store."""
        channel = self.connect()
        differing = []
        for number, cell in enumerate(notebook["cells"]):
            if cell["cell_type"] == "code":
                stored, shown = seen(cell["outputs"]), seen(execute(channel, cell["source"]))
                if stored != shown:
                    differing.append(f"{self.name}, cell {number}:\n{cell['source']}\nstored {stored}\nshown {shown}")
        channel.close()
        return differing

    def connect(self) -> websocket.WebSocket:
        """Open the websocket to the kernel."""
        token = self.cookie(f"/user/{self.name}/")
        address = f"{self.home}/api/kernels/{self.kernel}/channels?session_id={uuid.uuid4().hex}&_xsrf={token}"
        asked = requests.Request("GET", address).prepare()
        return websocket.create_connection(
            address.replace("http", "ws", 1), cookie=requests.cookies.get_cookie_header(self.browser.cookies, asked),
            origin=self.hub.url, timeout=240, http_no_proxy=["127.0.0.1"],
        )  # fmt: skip

    def attend(self, lesson: str) -> list[str]:
        """Do it all, and note how long each step took."""
        notebook: dict = {}
        for name, act in {
            "sign in": self.sign_in, "server": self.start_server, "open": lambda: notebook.update(self.open(lesson)),
        }.items():  # fmt: skip
            self.timed(name, act)
        return self.timed("run", lambda: self.run(notebook))

    def timed(self, name: str, act):
        """Do one step and note its seconds."""
        start = time.monotonic()
        done = act()
        self.times[name] = time.monotonic() - start
        return done

    def get(self, address: str) -> requests.Response:
        """Get a page."""
        answer = self.browser.get(address, timeout=120)
        assert answer.ok, f"{self.name}: {answer.status_code} at {answer.url}"
        return answer

    def cookie(self, path: str) -> str:
        """Give the token against forged requests that belongs to `path`."""
        return next(each.value for each in self.browser.cookies if each.name == "_xsrf" and each.path == path)

    def memory(self) -> dict[str, int]:
        """Give the kB of this person's processes: their share of what is shared (Pss), and what is theirs (own)."""
        total = {"Pss": 0, "own": 0}
        for process in self.processes():
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
            kb = {name: int(value) for name, value in re.findall(r"^(\w+): +(\d+) kB$", text, re.M)}
            total["Pss"] += kb["Pss"]
            total["own"] += kb["Private_Clean"] + kb["Private_Dirty"]
        return total

    def processes(self) -> list[int]:
        """Give the processes of this person's server: it and its kernels carry their name and its address."""
        wanted = {f"JUPYTERHUB_USER={self.name}", f"MMLAB_EXCHANGE={self.hub.state / 'exchange'}"}
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if wanted <= set((path / "environ").read_text(errors="replace").split("\0")):
                    found.append(int(path.name))
            except OSError:  # ended meanwhile
                continue
        return found


def execute(channel: websocket.WebSocket, code: str) -> list[dict]:
    """Run code in the kernel, and give its outputs as a notebook has them."""
    identity = uuid.uuid4().hex
    header = {"msg_id": identity, "msg_type": "execute_request", "username": "", "session": identity, "version": "5.4"}
    content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    channel.send(json.dumps(message))
    outputs: list[dict] = []
    done: set[str] = set()
    while done != {"reply", "idle"}:
        answer = json.loads(channel.recv())
        if answer["parent_header"].get("msg_id") != identity:
            continue
        kind, content = answer["header"]["msg_type"], answer["content"]
        if kind in ("stream", "display_data", "execute_result", "error"):
            outputs.append({"output_type": kind, **content})
        elif kind == "execute_reply":
            done.add("reply")
        elif kind == "status" and content["execution_state"] == "idle":
            done.add("idle")
    return outputs


def seen(outputs: list[dict]) -> list[str]:
    """Give the text of outputs, as nbval compares it: consecutive writes in one, pictures by their text."""
    texts: list[list[str]] = []
    for output in outputs:
        kind = output["output_type"]
        if kind == "stream":
            stream, text = output["name"], joined(output["text"])
            if texts and texts[-1][0] == stream:
                texts[-1][1] += text
                continue
            texts.append([stream, text])
        elif kind == "error":
            texts.append(["error", f"{output['ename']}: {output['evalue']}"])
        else:
            texts.append(["shown", joined(output["data"].get("text/plain", ""))])
    return [sanitized(text) for _, text in texts]


def joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def sanitized(text: str) -> str:
    for section in SANITIZERS.sections():
        text = re.sub(SANITIZERS[section]["regex"], SANITIZERS[section]["replace"], text)
    return text


def resident(root: int) -> int:
    """Give the kB (Pss) of a process and of its children that are no learner's: the hub and its proxy."""
    total = 0
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(") ")[2].split()[1])
            of_a_learner = b"JUPYTERHUB_USER=" in (path / "environ").read_bytes()
            if int(path.name) == root or (parent == root and not of_a_learner):
                total += int(re.search(r"^Pss: +(\d+)", (path / "smaps_rollup").read_text(), re.M)[1])
        except OSError:
            continue
    return total


def cores() -> int:
    return len(os.sched_getaffinity(0))
