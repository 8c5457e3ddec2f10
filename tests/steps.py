"""Kills a process at each step that it takes on the disk.

As a script: `steps.py CODE FOLDER...` runs CODE for each folder, `sys.argv[1]`, in a
process of its own that is killed before its 1st, 2nd, ... step; prints how many folders
it took until one ran to its end.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

STEPS = {"open", "os.rename", "os.remove", "os.truncate", "os.mkdir", "os.rmdir"}
STEPS |= {"shutil.rmtree", "os.listdir", "os.scandir"}


def kill(code: str, folders: list[Path]) -> int:
    """Run `code` for each of `folders`, killed ever later, until it runs to its end."""
    command = [sys.executable, __file__, code, *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1])


def _die_at(step: int):
    seen = 0

    def hook(event, args):
        nonlocal seen
        if event in STEPS:
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def _main(code: str, *folders: str):
    here = Path(__file__).parent
    sys.path[:0] = map(str, (here, *filter(Path.is_dir, here.iterdir())))
    exec(code.splitlines()[0])  # what it imports, once for all
    for step, folder in enumerate(folders, 1):
        child = os.fork()
        if not child:
            sys.argv = ["", folder]
            _die_at(step)
            exec(code, {"sys": sys})
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status == 0:
            print(step)
            return
        assert os.WIFSIGNALED(status), status
    raise SystemExit("too few folders")


if __name__ == "__main__":
    _main(*sys.argv[1:])
