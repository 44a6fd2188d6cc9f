"""Every drawable Gaussian is drawn, whatever its size and shape, and a change sends what changed and nothing else."""

import gc
import io
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
import websockets.sync.client
import zstandard
from gsseg_viewer import splats
from gsseg_viewer.security import safe_server
from gsseg_viewer.splats import MAX_NODES, SplatNodes, mended_page
from PIL import Image
from viser._messages import ViewerCameraMessage

from gsseg.scene import Gaussians


def nodes_of(gaussians: Gaussians, ids: np.ndarray | None = None) -> SplatNodes:
    ids = np.zeros(len(gaussians), np.int32) if ids is None else ids.astype(np.int32)
    return splats._grouped(gaussians, ids)


def unpacked(nodes: SplatNodes) -> tuple[np.ndarray, np.ndarray]:
    """Centres and covariances in world units, float64, as viser's shader reads them."""
    unit = np.repeat(nodes.scales, np.diff(nodes.edges))[:, None]
    centres = nodes.geometry[:, :3].view(np.float32).astype(np.float64) * unit
    upper = np.ascontiguousarray(nodes.geometry[:, 4:7]).view(np.float16).astype(np.float64)
    return centres, upper[:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(-1, 3, 3) * unit[:, :, None] ** 2


def plain_covariances(gaussians: Gaussians) -> np.ndarray:
    """R S S^T R^T, float64."""
    w, x, y, z = gaussians.quats_wxyz.double().numpy().T
    rotation = np.stack(
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
         2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
         2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], 1
    ).reshape(-1, 3, 3)  # fmt: skip
    half = rotation * np.exp(gaussians.log_scales.double().numpy())[:, None]
    return half @ half.transpose(0, 2, 1)


def drawn_by_shader(covariances: np.ndarray, camera: np.ndarray, pixels: float) -> np.ndarray:
    """Which Gaussians viser's vertex shader draws, seen along the last axis of a camera: the covariance in float32.

    ``pixels``: of a unit of the world on the picture. Opacity 1; GaussianSplatsHelpers.ts of viser 1.1.1.
    """
    toward = (camera[:2] * pixels).astype(np.float32)
    projected = toward @ covariances.astype(np.float32) @ toward.T
    first, off, second = projected[:, 0, 0] + np.float32(0.3), projected[:, 0, 1], projected[:, 1, 1] + np.float32(0.3)
    middle = np.float32(0.5) * (first + second)
    radius = np.sqrt(((first - second) / 2) ** 2 + off**2)
    undefined = (off == 0) & (middle + radius - first == 0)
    return ~undefined & (middle - radius >= 0) & (first * second - off**2 >= 0.25)


def large_enough(covariances: np.ndarray, camera: np.ndarray, pixels: float) -> np.ndarray:
    """Which Gaussians are no mere speck: what viser leaves out on purpose, computed exactly."""
    toward = camera[:2] * pixels
    return np.linalg.det(toward @ covariances @ toward.T + 0.3 * np.eye(2)) >= 0.2501


def looking() -> list[np.ndarray]:
    """Cameras along the axes and the diagonals, rolled by 0, 45 and 90 degrees, and some at random."""
    half = np.sqrt(0.5)
    roll = np.array([[half, -half, 0], [half, half, 0], [0, 0, 1]])
    tilted = np.array([[half, half, 0], [0, 0, 1], [half, -half, 0]])
    rng = np.random.default_rng(0)
    anywhere = [np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(20)]
    bases = [np.eye(3), np.eye(3)[[1, 2, 0]], np.eye(3)[[2, 0, 1]], tilted, *anywhere]
    return [rolled @ base for base in bases for rolled in (np.eye(3), roll, roll @ roll)]


def shaped(kind: str, make_gaussians: Callable[..., Gaussians]) -> Gaussians:
    scene = replace(make_gaussians("plain", 200), drawable=torch.ones(200, dtype=torch.bool))
    upright = torch.tensor([1.0, 0, 0, 0]).repeat(200, 1)
    logs = scene.log_scales.clone()
    if kind == "round":
        return replace(scene, log_scales=logs[:, :1].repeat(1, 3), quats_wxyz=upright)
    if kind == "along the axes":
        return replace(scene, quats_wxyz=upright)
    if kind == "flat":
        logs[:, 2] = np.log(1e-7)
        return replace(scene, log_scales=logs)
    if kind == "needles":
        logs[:, 1:] = np.log(1e-7)
        return replace(scene, log_scales=logs)
    assert kind == "plain"
    return scene


@pytest.mark.parametrize("kind", ["plain", "round", "along the axes", "flat", "needles"])
@pytest.mark.parametrize("unit", [1e-4, 1e-3, 1.0, 300.0, 1e5])
def test_nothing_vanishes(kind: str, unit: float, make_gaussians: Callable[..., Gaussians]):
    scene = shaped(kind, make_gaussians)
    scene = replace(scene, means=scene.means * unit, log_scales=scene.log_scales + float(np.log(unit)))
    nodes = nodes_of(scene)
    covariances, exact = unpacked(nodes)[1], plain_covariances(scene)[nodes.rows]
    typical = float(scene.scales.max(1).values.median())
    for camera in looking():
        for size in (2.0, 30.0, 3000.0):
            drawn = drawn_by_shader(covariances, camera, size / typical)
            assert (drawn | ~large_enough(exact, camera, size / typical)).all()


def test_what_is_mended_would_vanish_else(make_gaussians: Callable[..., Gaussians]):
    def plainly_sent(kind: str, unit: float, size: float = 30.0) -> np.ndarray:
        scene = shaped(kind, make_gaussians)
        scene = replace(scene, log_scales=scene.log_scales + float(np.log(unit)))
        sent = plain_covariances(scene).astype(np.float16)
        typical = float(scene.scales.max(1).values.median())
        return np.array([drawn_by_shader(sent, camera, size / typical) for camera in looking()])

    assert plainly_sent("plain", 1.0).all()
    assert not plainly_sent("plain", 1e-3).any()
    assert not plainly_sent("round", 1.0)[0].any()
    assert not plainly_sent("flat", 1.0, 3000.0).all()


@pytest.mark.parametrize("unit", [1e-4, 1.0, 300.0])
def test_centres_and_shapes_are_those_of_the_scene(unit: float, make_gaussians: Callable[..., Gaussians]):
    scene = make_gaussians("plain", 300)
    scene = replace(scene, means=scene.means * unit, log_scales=scene.log_scales + float(np.log(unit)))
    nodes = nodes_of(scene, np.arange(300) % 7 - 1)
    centres, covariances = unpacked(nodes)
    wanted = plain_covariances(scene)[nodes.rows]
    assert np.array_equal(centres.astype(np.float32), scene.means.numpy()[nodes.rows])
    trace = np.trace(wanted, axis1=1, axis2=2)[:, None, None]
    assert (np.abs(covariances - wanted) / trace).max() < 2.0**-9 + 2.0**-11
    assert np.linalg.eigvalsh(covariances).min() > 0


def test_sizes_beyond_the_range_are_cut_and_not_lost(make_gaussians: Callable[..., Gaussians]):
    scene = shaped("round", make_gaussians)
    logs = scene.log_scales.clone()
    logs[0], logs[1], logs[2] = -60.0, 80.0, float(np.log(3.0))
    _, covariances = unpacked(nodes_of(replace(scene, log_scales=logs)))
    assert np.isfinite(covariances).all()
    sigmas = np.sqrt(covariances[:, 0, 0])
    assert 1e-5 < sigmas[0] < sigmas[3:].min()
    assert sigmas[1] > 10 * sigmas[3:].max()
    assert sigmas[2] == pytest.approx(3.0, rel=0.01)


def test_a_tiny_object_in_a_huge_scene_keeps_its_shape(make_gaussians: Callable[..., Gaussians]):
    scene = make_gaussians("plain", 200)
    ids = np.repeat([0, 1], 100)
    logs = scene.log_scales + torch.from_numpy(np.where(ids == 1, np.log(1e-4), np.log(100.0)))[:, None].float()
    scene = replace(scene, log_scales=logs)
    nodes = nodes_of(scene, ids)
    wanted = plain_covariances(scene)[nodes.rows]
    trace = np.trace(wanted, axis1=1, axis2=2)[:, None, None]
    assert (np.abs(unpacked(nodes)[1] - wanted) / trace).max() < 3e-3


@pytest.mark.parametrize("objects", [0, 1, 299, 1500])
def test_every_drawable_row_is_in_one_node(objects: int, make_gaussians: Callable[..., Gaussians]):
    scene = make_gaussians("plain", 4000)
    ids = np.random.default_rng(1).integers(-1, max(objects, 0), 4000) if objects else np.full(4000, -1)
    nodes = nodes_of(scene, ids)
    assert np.array_equal(np.sort(nodes.rows), np.flatnonzero(scene.drawable.numpy()))
    assert nodes.edges[0] == 0
    assert nodes.edges[-1] == len(nodes.rows)
    assert (np.diff(nodes.edges) > 0).all()
    assert len(nodes) <= MAX_NODES
    node = np.repeat(np.arange(len(nodes)), np.diff(nodes.edges))
    of_object = {each: set(node[ids[nodes.rows] == each]) for each in np.unique(ids[nodes.rows]).tolist()}
    assert all(len(where) == 1 for where in of_object.values())
    if objects < 300:
        assert len(nodes) == len(of_object)
    loners = [each for each, where in of_object.items() if not any(
        where & other for name, other in of_object.items() if name != each)]  # fmt: skip
    assert -1 in loners
    largest = np.argsort(-np.bincount(ids[nodes.rows] + 1)[1:], kind="stable")[:250]
    assert set(largest.tolist()) <= set(loners)


def test_nothing_drawable_is_no_node(make_gaussians: Callable[..., Gaussians]):
    scene = make_gaussians("plain", 5)
    assert len(nodes_of(replace(scene, drawable=torch.zeros(5, dtype=torch.bool)))) == 0


def test_nodes_are_made_once_and_go_with_their_document(balls_made: Any):
    document = balls_made.document()
    nodes = SplatNodes.of(document)
    assert SplatNodes.of(document) is nodes
    assert len(nodes) == 5
    gone = weakref.ref(nodes)
    del document, nodes
    gc.collect()
    assert gone() is None


def test_only_a_page_of_viser_is_mended():
    assert mended_page(b"<html><head><title></title></head></html>").endswith(b"</script><title></title></head></html>")
    with pytest.raises(ValueError, match="no page of viser"):
        mended_page(b"not found")


def three_balls(unit: float) -> tuple[Gaussians, np.ndarray]:
    """Beside each other: one of round Gaussians, one of flat ones, one of needles; and their ids."""
    rng = np.random.default_rng(0)
    ids = np.repeat(np.arange(3), 500).astype(np.int32)
    surface = rng.normal(size=(1500, 3))
    surface *= 0.4 / np.linalg.norm(surface, axis=1, keepdims=True)
    logs = np.full((1500, 3), np.log(0.05))
    logs[ids == 1, 2] = logs[ids == 2, 2] = logs[ids == 2, 1] = np.log(1e-7)
    quats = np.where(ids[:, None] == 0, [1.0, 0, 0, 0], rng.normal(size=(1500, 4)))
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    means = surface + np.array([[-1.6, 0, 0], [-0.6, 0, 0], [0.4, 0, 0]])[ids]
    places, log_scales, turned = (torch.from_numpy(each).float() for each in (means * unit, logs + np.log(unit), quats))
    bare = (torch.full((1500,), 4.0), torch.zeros(1500, 1, 3), torch.ones(1500, dtype=torch.bool))
    return Gaussians(places, log_scales, turned, *bare), ids


@pytest.mark.parametrize(
    ("unit", "away", "pixels"), [(1e-3, 1.0, 400), (1000.0, 1.0, 400), (1.0, 15.0, 4)], ids=["tiny", "huge", "far"]
)
def test_a_browser_shows_every_shape(unit: float, away: float, pixels: int, browser: Any, poll: Callable[..., Any]):
    """Scenes of a thousandth and of a thousand units; and from so far that a Gaussian is a quarter of a pixel wide."""
    scene, ids = three_balls(unit)
    nodes, colors = nodes_of(scene, ids), np.array([[230, 20, 20], [20, 200, 20], [20, 20, 240]], np.uint8)[ids]
    server = safe_server(port=0)
    server.initial_camera.position = (0.0, -5.0 * unit * away, 0.5 * unit * away)
    server.initial_camera.look_at = (0.0, 0.0, 0.0)
    server.initial_camera.near, server.initial_camera.far = 0.01 * unit, 100.0 * unit * away

    @server.on_client_connect
    def _(client: Any) -> None:
        nodes.show(client, colors, np.full(1500, 250, np.uint8))

    page = browser.chromium.new_page(viewport={"width": 900, "height": 420})
    try:
        page.goto(f"http://localhost:{server.get_port()}/?fixedDpr=1")

        def all_there() -> bool:
            page.wait_for_timeout(50)
            picture = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))[100:320, 310:580].astype(int)
            others = (picture.sum(2, keepdims=True) - picture) / 2
            return bool(((picture - others > 100).sum((0, 1)) > pixels).all())

        poll("three balls", all_there)
    finally:
        page.close()
        server.stop()


# What is sent.


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
