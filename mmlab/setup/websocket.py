"""The connection between browser and kernel, without the wait before a small message.

TCP holds a small message back until the one before was acknowledged, and the other side may take 40 ms for that. Tornado
can switch this off for a websocket (TCP_NODELAY); Jupyter's server does not, so each small update of a widget would come
late. `make lab` names this class in `ServerApp.kernel_websocket_connection_class`, which is made for that.
"""

from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """Jupyter's own connection; what it sends leaves at once."""

    def connect(self) -> Any:
        """Connect to the kernel, after asking TCP not to wait."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
