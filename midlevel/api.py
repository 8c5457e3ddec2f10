"""The public functions: what the commands do, from Python."""

from pathlib import Path

from midlevel import errors
from midlevel.features.preparation import Prepared
from midlevel.pages.report import report_page
from midlevel.prediction import model
from midlevel.runs import Run
from midlevel.settings.config import Config
from midlevel.system.progress import Progress
from midlevel.training import train as training


def train(
    data: str | Path | None = None,
    *,
    config: str | Path | Config | None = None,
    settings: dict | None = None,
    seed: int | None = None,
    run: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Learn new classes from photographs with boxes, and write the page on the run.

    Args and errors are those of `training.train.train`.
    """
    return training.train(
        data,
        config=config,
        settings=settings,
        seed=seed,
        run=run,
        resume=resume,
        progress=progress,
        then=_report,
    )


def _report(run: Run, prepared: Prepared, progress: Progress):
    """The run's page. The run is finished: whatever goes wrong here, it stays."""
    try:
        page = report_page.report(model.load(run.folder), None, progress, prepared)
        progress.say(f"report: {page}")
    except KeyboardInterrupt as error:
        raise errors.Interrupted(
            f"Interrupted; {run.folder} is trained, and its report is not written. "
            f"Make it with: midlevel report --model {run.folder}"
        ) from error
    except Exception as error:
        progress.say(
            f"{run.folder}: is trained, but its report could not be written: {error} "
            f"Make it with: midlevel report --model {run.folder}"
        )
