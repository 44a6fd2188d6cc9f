"""Foreign pages get nothing, not even a file; nobody opens a tunnel; the port is the one that was asked for."""

import http.client
import logging
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import viser
import websockets.exceptions
import websockets.sync.client
from gsseg_viewer import security
from gsseg_viewer.security import VISER, safe_server
from viser._messages import ShareUrlDisconnect, ShareUrlRequest, ViewerCameraMessage

from gsseg.errors import InputError


@pytest.fixture(scope="module")
def server() -> Iterator[viser.ViserServer]:
    running = safe_server(port=0, label="four balls", allowed_hosts=["desk.example:443", "Lab.Example", "[fe80::7]"])
    yield running
    running.stop()


def ask(port: int, *headers: tuple[str, str], path: str = "/", address: str = "127.0.0.1") -> tuple[int, dict]:
    """Status and headers of the answer to a request with exactly these headers."""
    connection = http.client.HTTPConnection(address, port, timeout=10)
    connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders())


def shake(port: int, host: str, origin: str | None) -> Any:
    """A websocket under this name; the socket itself goes to 127.0.0.1."""
    there = socket.create_connection(("127.0.0.1", port), timeout=10)
    return websockets.sync.client.connect(
        f"ws://{host}", sock=there, origin=origin, subprotocols=[f"viser-v{VISER}"], compression=None
    )  # fmt: skip


def enter(server: viser.ViserServer) -> Any:
    """A websocket of a client that the server knows."""
    before = len(server.get_clients())
    client = shake(server.get_port(), f"localhost:{server.get_port()}", f"http://localhost:{server.get_port()}")
    camera = ViewerCameraMessage((1, 0, 0, 0), (0, -5, 0), 1.0, 0.1, 100.0, 300, 400, (0, 0, 0), (0, 0, 1))
    client.send(msgspec.msgpack.encode(camera.as_serializable_dict()))
    while len(server.get_clients()) == before:
        time.sleep(0.01)
    return client


OURS = ["127.0.0.1:{}", "localhost:{}", "LOCALHOST:{}", "[::1]:{}", "desk.example:443", "lab.example:9", "lab.example",
        "[fe80::7]:1"]  # fmt: skip
FOREIGN = ["evil.example", "evil.example:{}", "localhost", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{}",
           "localhost:{}@evil.example", "evil.example@localhost:{}", "127.0.0.1:{}/x", "127.0.0.1:{}, evil.example",
           "desk.example", "desk.example:80", "0.0.0.0:{}", "", "localhost:port", "[::1", "a b:{}"]  # fmt: skip


@pytest.mark.parametrize("host", OURS)
def test_pages_and_sockets_of_our_own(host: str, server: viser.ViserServer):
    host = host.format(server.get_port())
    assert ask(server.get_port(), ("Host", host))[0] == 200
    assert ask(server.get_port(), ("Host", host), ("Origin", f"http://{host}"))[0] == 200
    with shake(server.get_port(), host, f"http://{host}") as client:
        assert client.recv(timeout=10)


@pytest.mark.parametrize("host", FOREIGN)
def test_foreign_names_are_refused(host: str, server: viser.ViserServer):
    """The names that a page has after it has rebound its own to this machine."""
    host = host.format(server.get_port())
    upgrade = (
        ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="), ("Sec-WebSocket-Protocol", f"viser-v{VISER}"),
    )  # fmt: skip
    assert ask(server.get_port(), ("Host", host))[0] == 403
    assert ask(server.get_port(), ("Host", host), *upgrade)[0] == 403
    assert ask(server.get_port(), ("Host", f"localhost:{server.get_port()}"), *upgrade)[0] == 101


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost", "http://localhost:1", "http://evil.example:{}", "file://",
     "https://desk.example.evil.example", "http://desk.example", "ftp://localhost:{}", "http://localhost:{}/", ""],
)  # fmt: skip
def test_foreign_pages_are_refused(origin: str, server: viser.ViserServer):
    port = server.get_port()
    origin = origin.format(port)
    assert ask(port, ("Host", f"localhost:{port}"), ("Origin", origin))[0] == 403
    if origin:
        with pytest.raises(websockets.exceptions.InvalidStatus, match="403"):
            shake(port, f"localhost:{port}", origin)


def test_https_of_a_proxy_has_its_own_port(server: viser.ViserServer):
    with shake(server.get_port(), "desk.example:443", "https://desk.example") as client:
        assert client.recv(timeout=10)


def test_two_names_are_none(server: viser.ViserServer):
    ours = f"localhost:{server.get_port()}"
    assert ask(server.get_port())[0] == 403
    for second in (ours, "evil.example"):
        assert ask(server.get_port(), ("Host", ours), ("Host", second))[0] in (400, 403)
        assert ask(server.get_port(), ("Host", ours), ("Origin", f"http://{ours}"), ("Origin", second))[0] == 403


def test_pages_cannot_be_framed_by_others(server: viser.ViserServer):
    _, headers = ask(server.get_port(), ("Host", f"localhost:{server.get_port()}"))
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("encodings", ["", "gzip", "gzip, deflate, br"])
def test_the_page_is_mended(encodings: str):
    server = safe_server(port=0, mend=lambda page: page.replace(b"<title>Viser</title>", b"<title>ours</title>"))
    try:
        ours = f"localhost:{server.get_port()}"
        connection = http.client.HTTPConnection("127.0.0.1", server.get_port(), timeout=10)
        connection.request("GET", "/?fixedDpr=1", headers={"Host": ours, "Accept-Encoding": encodings})
        page = connection.getresponse().read()
        connection.close()
    finally:
        server.stop()
    assert page.count(b"<title>ours</title>") == 1
    assert page.rstrip().endswith(b"</html>")


@pytest.mark.parametrize("path", ["/../security.py", "/%2e%2e/%2e%2e/_viser.py", "/assets/../../_viser.py"])
def test_files_outside_the_client_are_not_served(path: str, server: viser.ViserServer):
    assert ask(server.get_port(), ("Host", f"localhost:{server.get_port()}"), path=path)[0] == 404


def test_on_all_addresses_the_one_reached_counts():
    server = safe_server("0.0.0.0", 0)
    try:
        assert ask(server.get_port(), ("Host", f"127.0.0.5:{server.get_port()}"), address="127.0.0.5")[0] == 200
        assert ask(server.get_port(), ("Host", f"127.0.0.6:{server.get_port()}"), address="127.0.0.5")[0] == 403
        assert ask(server.get_port(), ("Host", f"evil.example:{server.get_port()}"))[0] == 403
    finally:
        server.stop()


def test_nobody_opens_a_tunnel(server: viser.ViserServer, monkeypatch: pytest.MonkeyPatch):
    asked = []
    for name in ("request_share_url", "disconnect_share_url"):
        monkeypatch.setattr(server, name, lambda name=name: asked.append(name))
    answered = threading.Event()
    with enter(server) as client:
        for message in (ShareUrlRequest(), ShareUrlDisconnect()):
            client.send(msgspec.msgpack.encode(message.as_serializable_dict()))
        # Messages are handled in their order: when this one has been, the others have.
        handle = server.get_clients()[max(server.get_clients())]
        handle.camera.on_update(lambda _: answered.set())
        camera = ViewerCameraMessage((1, 0, 0, 0), (1, 1, 1), 1.0, 0.1, 9.0, 3, 4, (0, 0, 0), (0, 0, 1))
        client.send(msgspec.msgpack.encode(camera.as_serializable_dict()))
        assert answered.wait(10)
    server._thread_executor.submit(int).result()
    assert asked == []


def test_viser_alone_would_open_one(monkeypatch: pytest.MonkeyPatch):
    """What the test above relies on."""
    asked = threading.Event()
    monkeypatch.setattr(viser.ViserServer, "request_share_url", lambda self: asked.set())
    plain = viser.ViserServer(host="127.0.0.1", port=0, verbose=False)
    try:
        with enter(plain) as client:
            client.send(msgspec.msgpack.encode(ShareUrlRequest().as_serializable_dict()))
            assert asked.wait(10)
            client.close()
        with shake(plain.get_port(), "evil.example", "https://evil.example") as client:
            assert client.recv(timeout=10)
    finally:
        plain.stop()


def test_a_taken_port_is_an_error_that_names_it():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port}: is taken by another program; .*0 for any"):
            safe_server(port=port)


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [("127.0.0.1", 65536, "port 65536: is no port"), ("127.0.0.1", -1, "port -1: is no port"),
     ("192.0.2.1", 0, "192.0.2.1: is no address of this machine"),
     ("no such host", 0, "no such host: is no address of this machine")],
)  # fmt: skip
def test_no_such_address(host: str, port: int, message: str):
    with pytest.raises(InputError, match=message):
        safe_server(host, port)


@pytest.mark.parametrize("allowed", ["", "http://desk.example", "desk.example/x", "*", "a b", "desk.example:x", "u@h"])
def test_allowed_hosts_are_names(allowed: str):
    with pytest.raises(InputError, match="is no name of a host"):
        safe_server(port=0, allowed_hosts=[allowed])


def test_the_asked_port_is_taken_and_given_back():
    first = safe_server(port=0)
    port = first.get_port()
    first.stop()
    again = safe_server(port=port, host="localhost")
    assert again.get_port() == port
    assert ask(port, ("Host", f"localhost:{port}"))[0] == 200
    again.stop()


def test_another_version_of_viser_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(viser, "__version__", "1.2.0")
    with pytest.raises(InputError, match=r"viser: is version 1\.2\.0; .*pip install viser==1\.1\.1"):
        safe_server(port=0)


def test_viser_comes_back_as_it_was():
    import rich
    from websockets.asyncio.server import serve

    server = safe_server(port=0)
    server.stop()
    assert security.websockets.asyncio.server.serve is serve
    assert not rich.get_console().quiet


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture):
    server = safe_server(port=0)
    port = server.get_port()
    assert ask(port, ("Host", "evil.example"))[0] == 403
    assert ask(port, ("Host", f"localhost:{port}"))[0] == 200
    with enter(server):
        pass
    stale = websockets.sync.client.connect(f"ws://127.0.0.1:{port}", subprotocols=["viser-v0.9"])
    with pytest.raises(websockets.exceptions.ConnectionClosed):
        stale.recv(timeout=10)
    while server.get_clients():
        time.sleep(0.01)
    server.stop()
    assert capfd.readouterr() == ("", "")
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
