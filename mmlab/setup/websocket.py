"""The connection between browser and kernel, without the wait before a small message.

TCP holds a small message back until the one before was acknowledged, which the other side may put off for 40 ms. With
Chromium this happens to about one update in twenty: half of them take as long either way, but the 95th percentile of a
small one was 61 ms, and is 37 ms (tests/bench/redraw). Tornado can switch the waiting off for a websocket
(TCP_NODELAY); Jupyter's server does not. `make lab` names this class in
`ServerApp.kernel_websocket_connection_class`, which is there for that.
"""

from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """Jupyter's own connection; what it sends leaves at once."""

    def connect(self) -> Any:
        """Connect to the kernel, after asking TCP not to wait."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
