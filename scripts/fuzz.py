"""Read a thousand damaged files of every kind.

    python scripts/fuzz.py                      # 1,000 images in all, 1,000 a reader
    python scripts/fuzz.py --cases 50 voc colour.jpg
    python scripts/fuzz.py --seed 17 voc        # one case again, with its traceback
    python scripts/fuzz.py --atheris csv        # until Ctrl-C; pip install atheris

A case is made from its target and seed alone; fuzz_cases.py and
fuzz_sets.py say what must hold. It is
done in a child process with a time limit. The exit code is 1 if a case is neither read
nor refused with a message of midlevel's, takes too long, or ends the child. Needs the
`dev` extra.
"""

import collections
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import click

SECONDS = 20  # a case may take
MEMORY = 8 << 30  # bytes a child may ask for
SMALL = "4000000"  # pixels, so that what claims many is refused soon
READERS = ("voc", "coco", "yolo", "csv")
TRIALS = ("crash", "hang", "raise")  # of this script itself


def child(target: str, start: int, stop: int):
    """Do cases, and say of each that it begins and how it ended."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    import fuzz_cases

    for seed in range(start, stop):
        print(seed, "begins", flush=True)
        signal.alarm(SECONDS if target != "hang" else 1)  # its default ends the process
        try:
            outcome = (
                _try(target) if target in TRIALS else fuzz_cases.case(target, seed)
            )
        except Exception as error:
            text = " ".join(f"{type(error).__name__}: {error}".split())
            outcome = f"broke {text[:300]}"
        signal.alarm(0)
        print(seed, outcome, flush=True)


def _try(target: str):
    if target == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    while target == "hang":
        pass
    raise ValueError("as asked")


def run(target: str, cases: int) -> tuple[collections.Counter, list[str]]:
    """Outcomes, and what went wrong, of seeds from 0."""
    counts, faults, seed = collections.Counter(), [], 0
    while seed < cases:
        words = [sys.executable, __file__, "--child", target, str(seed), str(cases)]
        with tempfile.TemporaryFile("w+") as noise:
            done = subprocess.run(
                words,
                stdout=subprocess.PIPE,
                stderr=noise,
                text=True,
                env={**os.environ, "MIDLEVEL_MAX_PIXELS": SMALL},
            )
            noise.seek(0)
            last = noise.read()[-500:]
        ended = [line.split(" ", 2) for line in done.stdout.splitlines()]
        for number, what, *rest in (line for line in ended if line[1] != "begins"):
            counts[what] += 1
            faults += [f"--seed {number} {target}: {why}" for why in rest]
            seed = int(number) + 1
        if done.returncode:
            how = {-signal.SIGALRM: "took too long"}.get(done.returncode)
            how = how or f"ended the process ({done.returncode}): {last}"
            counts["died"] += 1
            faults.append(f"--seed {seed} {target}: {how}")
            seed += 1
    return counts, faults


def explore(target: str, words: list[str]):
    """Let atheris look for inputs that reach new code."""
    import atheris

    with atheris.instrument_imports(
        include=["midlevel.datasets", "midlevel.images.exif"]
    ):
        import fuzz_cases
        import fuzz_sets

    def one(data: bytes):
        if target in fuzz_cases.IMAGES:
            fuzz_cases.image(data)
            return
        with tempfile.TemporaryDirectory() as folder:
            files = fuzz_sets.write(target, Path(folder))
            fuzz_sets.judge(target, Path(folder), files[0], data)

    with tempfile.TemporaryDirectory() as folder:
        if target in fuzz_cases.IMAGES:
            seeds = [fuzz_cases.IMAGES[target]]
        else:
            seeds = [f.read_bytes() for f in fuzz_sets.write(target, Path(folder))][:1]
        corpus = Path(tempfile.mkdtemp(prefix="midlevel_fuzz_"))
        (corpus / "seed").write_bytes(seeds[0])
    options = [f"-timeout={SECONDS}", f"-artifact_prefix={corpus}/", *words]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


@click.command(help=__doc__, context_settings={"ignore_unknown_options": True})
@click.argument("targets", nargs=-1)
@click.option("--cases", type=int, help="Of each target.")
@click.option("--seed", type=int, help="Do this one case here.")
@click.option("--atheris", "explored", metavar="TARGET", help="Look for new code.")
@click.option("--child", "as_child", is_flag=True, hidden=True)
def main(targets, cases, seed, explored, as_child):
    if explored:
        return explore(explored, list(targets))
    if as_child:
        return child(targets[0], int(targets[1]), int(targets[2]))
    import fuzz_cases

    if seed is not None:
        print(fuzz_cases.case(targets[0], seed))
        return None
    faults = []
    for target in targets or [*fuzz_cases.IMAGES, *READERS]:
        many = 1000 if target in READERS else -(-1000 // len(fuzz_cases.IMAGES))
        counts, wrong = run(target, cases or many)
        faults += wrong
        print(f"{target:28}", *(f"{what} {n:>5}" for what, n in sorted(counts.items())))
    print("\n".join(faults) or "nothing broke")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
