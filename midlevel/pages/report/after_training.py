"""The page on a run that has just been trained."""

from midlevel import errors
from midlevel.features.preparation import Prepared
from midlevel.pages.report import report_page
from midlevel.prediction import model
from midlevel.runs import Run
from midlevel.system.progress import Progress


def report(run: Run, prepared: Prepared, progress: Progress) -> None:
    """Write the run's page. The run is finished: whatever goes wrong here, it stays.

    Raises:
        errors.Interrupted: Ctrl-C; it says how to make the page.
    """
    again = f"Make it with: midlevel report --model {run.folder}"
    try:
        page = report_page.report(
            model.load(run, mirror=False), None, progress, prepared
        )
        progress.say(f"report: {page}")
    except KeyboardInterrupt as error:
        raise errors.Interrupted(
            f"Interrupted; {run.folder} is trained, and its report is not written. "
            f"{again}"
        ) from error
    except Exception as error:
        progress.warn(
            f"{run.folder}: is trained, but its report could not be written: {error} "
            f"{again}"
        )
