"""``gsseg view``: a run in the browser."""

import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gsseg.cli.command import Command, RunPath, parse_command
from gsseg.cli.device import Device, renders_on
from gsseg.cli.process import Terminated
from gsseg.cli.run_folder import check_scene
from gsseg.cli.stdout import flush
from gsseg.cli.text_model import TextVectorsPath, open_text_model
from gsseg.errors import InputError
from gsseg.io.scene_folder import load_views
from gsseg.run import Run, RunLayout
from gsseg.run.settings import read_settings
from gsseg.scene import View

PHOTO_SIDE = 640
"""Pixels of the longer side of photos and masks beside the splats: hundreds of views stay below a gigabyte."""


@dataclass(frozen=True, kw_only=True)
class ViewRun(Command):
    """Look at a run in the browser: click an object, mend the segmentation, name it, export it.

    RUN is the folder of gsseg train, a scene.gsseg beside its splats, or a segmented.ply. Ctrl-C ends it.
    """

    run: RunPath
    """RUN folder, scene.gsseg or segmented.ply."""
    splats: Annotated[Path | None, tyro.conf.arg(metavar="PLY")] = None
    """The splats of a scene.gsseg. Without it: those beside it."""
    scene: Annotated[Path | None, tyro.conf.arg(aliases=["-s"], metavar="SCENE")] = None
    """Photos, cameras and masks of the training views. Without it: the scene that RUN was made from, where it is."""
    clip: Annotated[Path | None, tyro.conf.arg(metavar="MODEL")] = None
    """Folder of the CLIP model that RUN's language vectors were made with (gsseg compress): finds objects by words."""
    text_vectors: TextVectorsPath = None
    """Instead of MODEL: JSON of texts and their vectors, {"red mug": [0.013, ...]}; only these texts can be
    looked for."""
    compare: Annotated[Path | None, tyro.conf.arg(metavar="RUN")] = None
    """Another run of the same splats: shown in the colours of the objects that both have, and what differs selected."""
    classes: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """What objects are named by, a key each: a text file, one class a line, perhaps with a colour (chair #c08040)."""
    draw_at_most: Annotated[int, tyro.conf.arg(metavar="N")] = 2_000_000
    """Gaussians drawn at once, those that add most to the picture; a browser that is slow draws fewer, and says how
    many. What is clicked and edited is exact on all of them. 0 draws all, however slow that is."""
    read_only: bool = False
    """Whether nothing can be edited, hidden or saved."""
    host: str = "127.0.0.1"
    """Address to listen on; with any other than the default, everybody on the network may look and edit."""
    port: int = 8080
    """Port to listen on; 0 takes a free one."""
    allow_hosts: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME ...")] = ()
    """Further names that browsers may call this machine by, such as a proxy's."""
    password_file: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """A file with a password in its first line, for which browsers ask (the name does not matter)."""
    plain_http: bool = False
    """With --host and --password-file: send the password over the network as it is, unencrypted."""

    device: Device = "auto"
    """Where the server draws pictures of its own: training views, downloads, what is hidden; auto = a GPU where one can
    be used, else the processor. What browsers show they draw themselves."""

    def execute(self) -> None:
        """Serves until Ctrl-C, and says where."""
        if not 0 <= self.port <= 65535:
            raise InputError(f"--port {self.port}", "is no port", "give 0 to 65535")
        if self.draw_at_most < 0:
            raise InputError(
                f"--draw-at-most {self.draw_at_most}", "is no number of Gaussians", "give 0 for all, or more"
            )
        self._check_password()
        try:
            from gsseg_viewer.classes import read_classes
            from gsseg_viewer.document import Document
            from gsseg_viewer.password import read_password
            from gsseg_viewer.server import serve
        except ModuleNotFoundError as error:
            remedy = "install it again with pip, which brings it"
            raise InputError("gsseg view", f"needs {error.name}, which is not installed", remedy) from error
        classes = () if self.classes is None else read_classes(self.classes)
        run = Run.open(self.run, self.splats)
        other = None if self.compare is None else Run.open(self.compare)
        device = renders_on(self.device, self.output)
        with run.watched() as check_unchanged:
            document = Document(run, classes, self.read_only, other, device)
            check_unchanged()
        if self.scene is not None:
            check_scene(document.run, self.scene)
        views = self._views(document.run.path, document.run.file.path)
        model = open_text_model(self.clip, self.text_vectors)
        password = None if self.password_file is None else read_password(self.password_file)
        with serve(
            document, views, self.host, self.port, self.allow_hosts, model, password, self.draw_at_most
        ) as viewer:
            came = _listen_for_the_end()  # before anybody is told that there is something to end
            objects = len(document.state.objects)
            self.output.say(f"{objects} objects, {len(document.gaussians)} Gaussians, {len(views)} training views")
            self.output.say(f"open {viewer.url} in a browser; Ctrl-C ends it")
            if document.recovered:
                self.output.say(f"{document.recovered}; they are back, and the browser asks whether to keep them")
            if document.lost:
                self.output.say(document.lost)
            self.output.finish({"url": viewer.url, "port": viewer.port, "objects": objects})
            flush()  # whoever reads it through a pipe waits for the address
            ended_by = _first(came)
        if refused := viewer.doorkeeper.refused:
            self.output.say(f"connections that were ended because of malformed messages: {refused}")
        if document.unsaved:
            kept = f"they are lost: {viewer.not_kept}" if viewer.not_kept else "they are kept and come back next time"
            self.output.say(f"edits were not saved; {kept}")
        if ended_by == signal.SIGTERM:
            raise Terminated

    def _check_password(self) -> None:
        """`InputError` where a password would be read by others on its way."""
        if self.password_file is None and self.plain_http:
            raise InputError("--plain-http", "is about a password, and there is none", "add --password-file FILE")
        if self.password_file is None or self.plain_http or self.host in ("127.0.0.1", "::1", "localhost"):
            return
        problem = f"would be sent to {self.host} unencrypted, for everybody on the way to read"
        remedy = "listen on 127.0.0.1 behind a proxy with TLS (--allow-hosts NAME), or add --plain-http"
        raise InputError("--password-file", problem, remedy)

    def _views(self, run: Path, splats: Path) -> list[View]:
        """The training views; none where nobody named a scene and the run's own is gone or damaged."""
        if self.scene is not None:
            return load_views(self.scene, splats, max_side=PHOTO_SIDE)[0]
        if not RunLayout(run).settings.is_file():
            return []
        settings = read_settings(RunLayout(run).settings)
        scene, splats = settings.scene, settings.splats
        if not scene.is_dir():
            self.output.say(f"{scene} is no longer there: no training views (name it with -s SCENE)")
            return []
        try:
            return load_views(scene, splats, max_side=PHOTO_SIDE)[0]
        except InputError as error:  # a damaged photo is no reason to keep the run closed
            self.output.say(f"no training views: {error}")
            return []


def _listen_for_the_end() -> list[int]:
    """Gets the signals that come from now on: Ctrl-C, with which looking is done, or SIGTERM, which ends it with a
    status of its own."""
    came: list[int] = []
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda number, _: came.append(number))
    return came


def _first(came: list[int]) -> int:
    while not came:  # a wait without end would not hear of a signal everywhere
        time.sleep(0.2)
    return came[0]


def parse(args: list[str]) -> ViewRun:
    """Options of ``gsseg view``."""
    return parse_command("view", ViewRun, args)
