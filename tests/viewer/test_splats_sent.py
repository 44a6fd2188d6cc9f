"""What recolouring sends to a browser: what differs, whole nodes, once."""

import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
import websockets.sync.client
import zstandard
from gsseg_viewer.security import safe_server
from gsseg_viewer.splats import SplatNodes
from viser._messages import ViewerCameraMessage


class Wire:
    """A client of viser that is no browser: it says where its camera is and writes down what comes."""

    def __init__(self, server: Any) -> None:
        """Connects and waits until the server knows it."""
        before = set(server.get_clients())
        port = server.get_port()
        self.socket = websockets.sync.client.connect(
            f"ws://127.0.0.1:{port}", subprotocols=["viser-v1.1.1"], compression=None, max_size=None
        )  # fmt: skip
        camera = ViewerCameraMessage((1, 0, 0, 0), (0, -5, 0), 1.0, 0.1, 100.0, 300, 400, (0, 0, 0), (0, 0, 1))
        self.socket.send(msgspec.msgpack.encode(camera.as_serializable_dict()))
        while not (new := set(server.get_clients()) - before):
            time.sleep(0.01)
        self.handle = server.get_clients()[new.pop()]
        self.batches: list[list[dict]] = []

    def received(self) -> list[dict]:
        """Messages about splats since the last call, when no more come."""
        self.handle.flush()
        self.batches = []
        while True:
            try:
                frame = self.socket.recv(timeout=0.25)
            except TimeoutError:
                return [message for batch in self.batches for message in batch]
            assert isinstance(frame, bytes)
            packed = int.from_bytes(frame[8:16], "little")
            said = msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(frame[16 : 16 + packed]))
            at, buffers = 16 + packed, []
            for length in said["binaryBufferLengths"]:
                at += -at % 8
                buffers.append(np.frombuffer(frame[at : at + length], np.uint32).reshape(-1, 8))
                at += length
            batch = [each for each in said["messages"] if str(each.get("name", "")).startswith("/splats/")]
            for each in batch:
                props = each.get("props") or each.get("updates") or {}
                if "buffer" in props:
                    props["buffer"] = buffers[props["buffer"]["__binary_index"]]
            if batch:
                self.batches.append(batch)

    def close(self) -> None:
        """Goes away; returns when the server has noticed."""
        buffer = self.handle._websock_connection.get_message_buffer()
        self.socket.close()
        while not buffer.done:
            time.sleep(0.01)


@pytest.fixture
def wire() -> Iterator[Wire]:
    server = safe_server(port=0)
    made = Wire(server)
    yield made
    made.socket.close()
    server.stop()


@pytest.fixture
def shown(wire: Wire, balls_made: Any) -> tuple[Any, SplatNodes, np.ndarray, np.ndarray]:
    """Splats of the four balls in one colour at the client, and what was given: (splats, nodes, colours, alphas)."""
    nodes = SplatNodes.of(balls_made.document())
    rows = 4 * 700 + 50
    colors, alphas = np.full((rows, 3), 9, np.uint8), np.full(rows, 200, np.uint8)
    return nodes.show(wire.handle, colors, alphas), nodes, colors, alphas


def kinds(messages: list[dict]) -> list[str]:
    return sorted(f"{each['type']} {each['name']}" for each in messages)


def test_all_nodes_arrive_in_their_colours(shown: Any, wire: Wire):
    _, nodes, _, _ = shown
    made = {each["name"]: each["props"] for each in wire.received() if each["type"] == "GaussianSplatsMessage"}
    assert sorted(made) == [f"/splats/{node:03d}" for node in range(5)]
    for node in range(5):
        buffer = made[f"/splats/{node:03d}"]["buffer"]
        assert np.array_equal(buffer[:, :7], nodes.geometry[nodes.edges[node] : nodes.edges[node + 1], :7])
        assert (buffer[:, 7] == 0xC8090909).all()
        assert made[f"/splats/{node:03d}"]["scale"] == nodes.scales[node]


def test_only_what_changed_is_sent(shown: Any, wire: Wire):
    painted, nodes, colors, alphas = shown
    wire.received()
    assert painted.recolor(colors, alphas) == 0
    colors = colors.copy()
    colors[1500] = (1, 2, 3)
    assert painted.recolor(colors, alphas) == 700 * 32
    (message,) = wire.received()
    assert message["name"] == "/splats/003"
    sent = message["updates"]["buffer"]
    at = int(np.flatnonzero(nodes.rows[nodes.edges[3] : nodes.edges[4]] == 1500)[0])
    assert sent[at, 7] == 0xC8030201
    assert (np.delete(sent[:, 7], at) == 0xC8090909).all()
    assert painted.recolor(colors, alphas) == 0


def test_a_hidden_node_sends_one_flag_and_its_colours_when_it_comes_back(shown: Any, wire: Wire):
    painted, _, colors, alphas = shown
    wire.received()
    hidden = alphas.copy()
    hidden[:700] = 0
    assert painted.recolor(colors, hidden) == 76
    (message,) = wire.received()
    assert (message["name"], message["visible"]) == ("/splats/001", False)
    assert painted.recolor(colors // 2, hidden) == (3 * 700 + 50) * 32
    assert "/splats/001" not in {each["name"] for each in wire.received()}
    assert painted.recolor(colors // 2, alphas) == 700 * 32 + 76
    assert kinds(wire.received()) == [
        "SceneNodeUpdateMessage /splats/001", "SetSceneNodeVisibilityMessage /splats/001"]  # fmt: skip
    assert painted.recolor(colors // 2, hidden) == 76
    assert painted.recolor(colors // 2, alphas) == 76


def test_a_change_of_many_nodes_comes_in_one_piece(shown: Any, wire: Wire):
    painted, _, colors, alphas = shown
    wire.received()
    painted.recolor(colors // 3, alphas)
    assert len(wire.received()) == 5
    assert len(wire.batches) == 1


def test_a_burst_from_many_threads_ends_in_the_last_colour(shown: Any, wire: Wire):
    painted, _, colors, alphas = shown
    wire.received()
    threads = [threading.Thread(target=painted.recolor, args=(colors + np.uint8(k), alphas)) for k in range(50)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    painted.recolor(colors + np.uint8(100), alphas)
    last = {each["name"]: each["updates"]["buffer"] for each in wire.received()}
    assert len(last) == 5
    assert all((buffer[:, 7] == 0xC86D6D6D).all() for buffer in last.values())


def test_a_client_that_has_gone_costs_nothing(shown: Any, wire: Wire):
    painted, _, colors, alphas = shown
    wire.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert painted.recolor(colors // 2, alphas) == 0
        shown[1].show(wire.handle, colors, alphas)


def test_a_client_keeps_four_bytes_a_gaussian(shown: Any, wire: Wire):
    painted, nodes, _, _ = shown
    wire.received()
    assert all(np.shares_memory(each.buffer, nodes.geometry) for each in painted._handles)
    assert painted._shown.nbytes == 4 * len(nodes.rows)
    assert wire.handle._websock_connection.get_message_buffer().message_from_id == {}
