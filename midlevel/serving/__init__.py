"""`midlevel serve`: a page and a JSON API over a trained run.

The other commands import nothing of it: FastAPI, uvicorn and python-multipart come with
`midlevel[serve]` alone.
"""

from types import ModuleType

from midlevel.system import runtime

NEEDED = {
    "fastapi": "FastAPI",
    "uvicorn": "uvicorn",
    "python_multipart": "python-multipart",
}


def load() -> ModuleType:
    """The module `serving.server`.

    Raises:
        errors.MissingDependency: a package that serving needs is not installed.
    """
    for module, package in NEEDED.items():
        runtime.load(module, package, extra="serve")
    from midlevel.serving import server

    return server
