"""The run folder: what a run keeps."""

from midlevel.runs.environment import environment as environment
from midlevel.runs.places import create as create
from midlevel.runs.places import newest as newest
from midlevel.runs.run import Run as Run
