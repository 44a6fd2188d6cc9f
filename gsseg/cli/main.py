"""``gsseg COMMAND``: picks the command and turns what goes wrong into one line and an exit status.

0 done; 2 the input is wrong, one line on stderr; 1 a bug, with its traceback; 130 interrupted, resumable; 143 asked to
end (SIGTERM), which leaves what an interrupt leaves.

A standard output that nobody reads any more, as in ``gsseg train ... | head -1``, or that was closed from the start, is
not an error: the work is done all the same, in silence, and the status says how the work ended.
"""

import errno
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from gsseg.cli.process import Terminated, end_now, own_process
from gsseg.cli.stdout import flush, let_go, say
from gsseg.errors import InputError
from gsseg.files.shell import command_line
from gsseg.version import __version__

if TYPE_CHECKING:
    from gsseg.cli.command import Command

TORCH_MEMORY = re.compile(r"can't allocate memory|out of memory")
"""How torch says so, in a RuntimeError."""

Block = Callable[[], AbstractContextManager[None]]

INTERRUPTED, TERMINATED = 130, 143
"""What shells report of processes that SIGINT and SIGTERM ended."""

COMMANDS = {
    "demo": "make the sample room, segment it, print scores and what to do next",
    "prepare": "a raw data set (ScanNet, LERF, ...) to a SCENE",
    "poses": "photos or a video to a scene with cameras, by structure from motion",
    "splats": "photos and cameras to splats, for scenes that have none",
    "masks": "instance masks of photos: made by a model of the SAM family, imported, or looked over",
    "train": "splats and masks to objects: the main job",
    "compress": "codes and features of a run to a few bytes a Gaussian: scene.gsseg",
    "name": "name the objects of a run after words that fit what they look like",
    "export": "write segmented PLY files: the whole scene, and one an object",
    "update": "take over what another program has edited of a run's splats",
    "view": "look at a run in the browser: click, mend, name, export",
    "eval": "score a run against ground truth",
    "batch": "prepare, train and score many scenes, here or on a cluster, into one table",
    "query": "which object is at a point, or under a pixel of a view",
    "info": "what a PLY, a scene, a run or a scene.gsseg holds, and what is wrong with it",
    "bench": "measure speed and memory against the committed baseline",
}

USAGE = "usage: gsseg COMMAND [OPTIONS]\n\nTurns a 3D Gaussian splat scene and 2-D instance masks into objects.\n\n"
USAGE += "\n".join(f"  {name:9}{summary}" for name, summary in COMMANDS.items())
USAGE += "\n\n'gsseg COMMAND --help' explains every option; 'gsseg --version' tells the version."

USERS_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO}
"""What a disk says when its owner has to act; such an error may come without the name of the file."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command with the given arguments and returns the exit status.

    Without ``argv`` they are the process's own: then it also sees to streams, signals and the warnings of libraries
    (`own_process`), which a program that calls it with arguments keeps for itself. Anything unforeseen is raised:
    Python prints its traceback and ends with status 1.
    """
    if argv is not None:
        return _run(list(argv))
    with own_process() as signals:
        status = _run(sys.argv[1:], signals.kept, signals.at_work)
        if status in (INTERRUPTED, TERMINATED):
            end_now(status)
    return status


def _run(args: list[str], importing: Block = nullcontext, working: Block = nullcontext) -> int:
    """`main`; imports of commands happen inside one block, what a command does inside the other."""
    given, where, resume = "the input", "the disk", None
    try:
        if not args or args[0].startswith("-"):
            _without_command(args)
            return 0
        if args[0] not in COMMANDS:
            raise InputError(args[0], "is no command of gsseg", "see gsseg --help")
        # Only here, so that the command line answers at once where torch is not needed.
        with importing():
            module = import_module(f"gsseg.cli.{args[0]}")
        command = _parsed(module, args[1:])
        if command is not None:
            given, where, resume = command.reads or given, command.writes or where, command.resumes_with
            with working():
                command.execute()
        flush()
    except InputError as error:
        return _fail(str(error))
    except BrokenPipeError:  # of tyro's help, or of a server's: what we say ourselves `gsseg.cli.stdout` sees to
        let_go()
    except OSError as error:
        if error.filename is None and error.errno not in USERS_DISK:
            raise
        return _fail(f"{error.filename or where}: {error.strerror or error}; check the path, its space and permissions")
    except RecursionError as error:
        if not _in_a_parser(error):
            raise
        return _fail(f"{given}: a file in it is nested too deeply to be read; make the file again")
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not TORCH_MEMORY.search(str(error)):
            raise
        return _fail(f"{given}: needs more memory than there is; free some, or give less")
    except KeyboardInterrupt:
        return _interrupted(None if resume is None else args + [option for option in resume if option not in args])
    except Terminated:
        return TERMINATED
    return 0


def _parsed(module: ModuleType, args: list[str]) -> "Command | None":
    """The command with its options; None where they asked for its help, which has been printed then."""
    try:
        return module.parse(args)
    except SystemExit:
        return None


def _without_command(args: list[str]) -> None:
    known = {"--version": f"gsseg {__version__}", "--help": USAGE, "-h": USAGE}
    if not args:
        raise InputError("gsseg", "needs a command", "see gsseg --help")
    if args[0] not in known:
        raise InputError(args[0], "is no option of gsseg itself", "see gsseg --help")
    say(known[args[0]])
    flush()


def _in_a_parser(error: BaseException) -> bool:
    """Whether it was raised below a reader of JSON or YAML, which follow the nesting of a file."""
    frames = traceback.walk_tb(error.__traceback__)
    return any(str(frame.f_globals.get("__name__")).split(".")[0] in ("json", "yaml") for frame, _ in frames)


def _interrupted(again: list[str] | None) -> int:
    hint = "" if again is None else f"; go on with: {command_line(['gsseg', *again])}"
    print(f"gsseg: interrupted{hint}", file=sys.stderr)
    return INTERRUPTED


def _fail(line: str) -> int:
    print(f"gsseg: error: {' '.join(line.split())}", file=sys.stderr)
    return 2
