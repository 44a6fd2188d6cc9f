"""``gsseg COMMAND``: picks the command and turns what goes wrong into one line and an exit status.

0 done; 2 the input is wrong, one line on stderr; 1 a bug, with its traceback; 130 interrupted, resumable.
"""

import errno
import os
import shlex
import sys
from collections.abc import Sequence
from importlib import import_module

from gsseg.errors import InputError

COMMANDS = {
    "demo": "make the sample room, segment it, print scores and what to do next",
    "train": "splats and masks to objects: the main job",
    "compress": "codes and features of a run to a few bytes a Gaussian: scene.gsseg",
    "export": "write segmented PLY files: the whole scene, and one an object",
    "view": "look at a run in the browser: click, mend, name, export",
    "eval": "score a run against ground truth",
    "query": "which object is at a point, or under a pixel of a view",
    "info": "what a PLY, a scene, a run or a scene.gsseg holds, and what is wrong with it",
    "bench": "measure speed and memory against the committed baseline",
}

USAGE = "usage: gsseg COMMAND [OPTIONS]\n\nTurns a 3D Gaussian splat scene and 2-D instance masks into objects.\n\n"
USAGE += "\n".join(f"  {name:9}{summary}" for name, summary in COMMANDS.items())
USAGE += "\n\n'gsseg COMMAND --help' explains every option; 'gsseg --version' tells the version."

USERS_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS}
"""What a disk says when its owner has to act; such an error may come without the name of the file."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command with the given arguments (default: the process's) and returns the exit status.

    Anything unforeseen is raised: Python prints its traceback and ends with status 1.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    where, resume = "the disk", None
    try:
        if not args or args[0].startswith("-"):
            return _without_command(args)
        if args[0] not in COMMANDS:
            return _fail(f"{args[0]}: is no command of gsseg; see gsseg --help")
        # Only here, so that the command line answers at once where torch is not needed.
        command = import_module(f"gsseg.cli.{args[0]}").parse(args[1:])
        where, resume = command.writes or where, command.resumes_with
        command.execute()
        sys.stdout.flush()
    except InputError as error:
        return _fail(str(error))
    except BrokenPipeError:
        # Whoever read our output has seen enough; the interpreter's last flush must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if error.filename is None and error.errno not in USERS_DISK:
            raise
        return _fail(f"{error.filename or where}: {error.strerror or error}; check the path, its space and permissions")
    except KeyboardInterrupt:
        return _interrupted(None if resume is None else args + [option for option in resume if option not in args])
    except SystemExit as stop:  # tyro has printed its help, or what is wrong with the arguments
        return stop.code if isinstance(stop.code, int) else 2
    return 0


def _without_command(args: list[str]) -> int:
    if args and args[0] == "--version":
        from gsseg.version import __version__

        print(f"gsseg {__version__}")
        return 0
    if args and args[0] in ("-h", "--help"):
        print(USAGE, flush=True)
        return 0
    print(USAGE, file=sys.stderr)
    return 2


def _interrupted(again: list[str] | None) -> int:
    hint = "" if again is None else f"; go on with: {shlex.join(['gsseg', *again])}"
    print(f"gsseg: interrupted{hint}", file=sys.stderr)
    return 130


def _fail(line: str) -> int:
    print(f"gsseg: error: {' '.join(line.split())}", file=sys.stderr)
    return 2
