"""JupyterHub for a class on one server: `make hub` for real accounts, `make hub ARGS=--trial` to try it out.

For real, the hub runs as root and people sign in with the accounts of this machine (PAM); each server is a process of
its owner. The trial needs no root and no accounts: any name signs in with the trial's password, and all servers run
under the account that started the hub, so it is for one machine and people who trust each other. deploy/README.md
says which authenticator is for whom, and how large the machine must be.

`mmlab.setup.hub` starts it and sets: MMLAB_HUB_STATE, the folder for all that must survive a restart;
MMLAB_HUB_PROXY, the command of the proxy; and for the trial MMLAB_HUB_TRIAL, its password.
"""

import os
import sys
from pathlib import Path

from mmlab.setup.launch import PROMPT

c = get_config()  # noqa: F821

DEPLOY = Path(__file__).resolve().parent
STATE = Path(os.environ["MMLAB_HUB_STATE"])
EXCHANGE = STATE / "exchange"
TRIAL = os.environ.get("MMLAB_HUB_TRIAL", "")

# 1 · the hub: one SQLite file, a secret for the cookies, the proxy before it
DATABASE = STATE / "jupyterhub.sqlite"
DATABASE.touch(0o600)  # not for the accounts of the learners to read
c.JupyterHub.db_url = f"sqlite:///{DATABASE}"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie_secret")
c.JupyterHub.bind_url = "http://127.0.0.1:8000"  # TLS is the business of what stands before it
c.ConfigurableHTTPProxy.command = os.environ["MMLAB_HUB_PROXY"].split(os.pathsep)
c.ConfigurableHTTPProxy.pid_file = str(STATE / "proxy.pid")

# 2 · who may sign in
if TRIAL:
    c.JupyterHub.authenticator_class = "shared-password"
    c.SharedPasswordAuthenticator.user_password = TRIAL
    c.Authenticator.allow_all = True
    c.JupyterHub.spawner_class = "simple"
    c.SimpleLocalProcessSpawner.home_dir_template = str(STATE / "homes" / "{username}")
else:
    c.JupyterHub.authenticator_class = "pam"
    c.LocalAuthenticator.allowed_groups = {"mmlab", "mmlab-instructors"}
    c.LocalAuthenticator.admin_groups = {"mmlab-instructors"}
    c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"

# 3 · each person's server: their home with the lessons in it
c.Spawner.cmd = [sys.executable, str(DEPLOY / "start_server.py"), sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = [PROMPT, *(["--allow-root"] if TRIAL and os.geteuid() == 0 else [])]
c.Spawner.notebook_dir = "~"
c.Spawner.default_url = "/lab/tree/mmlab/notebooks/00_start_here.ipynb"
c.Spawner.environment = {"JUPYTER_CONFIG_PATH": str(DEPLOY / "jupyter"), "MMLAB_EXCHANGE": str(EXCHANGE)}
c.Spawner.start_timeout = c.Spawner.http_timeout = 180  # a whole class may come at once

# 4 · nbgrader's exchange: all may enter it, and nobody may remove what is another's
EXCHANGE.mkdir(parents=True, exist_ok=True)
EXCHANGE.chmod(0o1777)

# 5 · servers that nobody has used for an hour are stopped; the next visit starts them again
c.JupyterHub.services = [
    {"name": "idle-culler", "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=3600"]}
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "services": ["idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
]
