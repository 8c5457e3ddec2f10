"""A request that is not served."""


class Refused(Exception):
    """Why a request is not served.

    Attributes:
        status: of HTTP.
        detail: what was expected, what came, what to do.
        headers: of the answer.
    """

    def __init__(self, status: int, detail: str, headers: dict | None = None):
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers
