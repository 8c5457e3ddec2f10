"""The run folder: what a run keeps."""

from midlevel.runs.run import PACKAGES as PACKAGES
from midlevel.runs.run import Run as Run
from midlevel.runs.run import create as create
from midlevel.runs.run import environment as environment
from midlevel.runs.run import new_folder as new_folder
from midlevel.runs.run import newest as newest
