"""`make lab` and the browser tests use a websocket on which a small message does not wait."""

from mmlab.setup import launch
from mmlab.setup.websocket import PromptConnection, ZMQChannelsWebsocketConnection


def test_the_connection_asks_tcp_not_to_wait_before_it_connects(monkeypatch):
    asked = []

    class Handler:
        def set_nodelay(self, value):
            asked.append(("set_nodelay", value))

    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "connect", lambda self: asked.append("connect"))
    connection = PromptConnection.__new__(PromptConnection)
    monkeypatch.setattr(PromptConnection, "websocket_handler", Handler())
    connection.connect()
    assert asked == [("set_nodelay", True), "connect"]


def test_jupyterlab_is_started_with_it(tmp_path):
    option = "--ServerApp.kernel_websocket_connection_class=mmlab.setup.websocket.PromptConnection"
    assert option in launch.lab_command(tmp_path, [])
