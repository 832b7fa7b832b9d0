"""
Responses as bytes made beforehand.

aiohttp's own responses say the time, the library and its version, and differ with the request.
Ours are whole byte strings, chosen and written: nothing in them comes from the request, and serving
one costs a write.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

from crypto.strict import format_json

_REASONS: Final[Mapping[int, str]] = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    417: "Expectation Failed",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    460: "Checksum Mismatch",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

# What every answer says: nothing is stored, guessed, framed or told to other sites.
COMMON_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Reply(web.StreamResponse):
    """
    Bytes to write, in the shape in which aiohttp wants a response.

    It keeps nothing of a request, so one serves all.

    Args:
        raw: Head and body.
        keep: Whether the connection stays open.
    """

    def __init__(self, raw: bytes, *, keep: bool) -> None:
        super().__init__()
        self._raw = raw
        self._keep = keep

    @property
    def keep_alive(self) -> bool:
        """Whether the connection stays open."""
        return self._keep

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """
        Write everything.

        Args:
            request: Only its connection is used.

        Returns:
            None: there is nothing more to write.
        """
        if self._raw:
            await request.writer.write(self._raw)
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """
        Do nothing: `prepare` wrote everything.

        Args:
            data: Nothing.
        """


WRITTEN: Final = Reply(b"", keep=False)  # for a handler that wrote its answer itself


class Answer:
    """
    One response, made beforehand in all its forms.

    Args:
        status: Of HTTP.
        body: The body.
        headers: Besides the common ones and the length; a header given here replaces a common one.
    """

    __slots__ = ("_close", "_head_close", "_head_keep", "_keep", "body", "status")

    def __init__(
        self, status: int, body: bytes = b"", *, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.body = body
        head = format_head(status, {**(headers or {}), "Content-Length": str(len(body))})
        closing = head.removesuffix(b"\r\n") + b"Connection: close\r\n\r\n"
        self._keep = Reply(head + body, keep=True)
        self._close = Reply(closing + body, keep=False)
        self._head_keep = Reply(head, keep=True)
        self._head_close = Reply(closing, keep=False)

    def reply(self, request: web.BaseRequest) -> Reply:
        """
        Choose the form that fits a request.

        Args:
            request: Its method, version and wish to keep the connection are looked at.

        Returns:
            What to hand to aiohttp.
        """
        keep = request.keep_alive and request.version >= HttpVersion11
        if request.method == "HEAD":
            return self._head_keep if keep else self._head_close
        return self._keep if keep else self._close

    def closing_reply(self) -> Reply:
        """
        Choose the form that ends the connection.

        Returns:
            What to hand to aiohttp.
        """
        return self._close


def format_head(status: int, headers: Mapping[str, str]) -> bytes:
    """
    Write the head of a response.

    Args:
        status: Of HTTP.
        headers: Besides the common ones, which they replace.

    Returns:
        The head, with the empty line that ends it.
    """
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}"]
    lines += [f"{name}: {value}" for name, value in {**COMMON_HEADERS, **headers}.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def make_json_answer(status: int, value: Mapping[str, str | int]) -> Answer:
    """
    Make an answer of the upload protocol.

    Args:
        status: Of HTTP.
        value: The JSON object.

    Returns:
        The answer.
    """
    return Answer(status, format_json(dict(value)), headers={"Content-Type": "application/json"})


ARRIVED: Final = make_json_answer(200, {"state": "arrived"})
REFUSED: Final = make_json_answer(422, {"error": "refused"})
NOT_IN_FORCE: Final = make_json_answer(409, {"error": "keyset"})
WRONG_CHECKSUM: Final = make_json_answer(460, {"error": "checksum"})
UNKNOWN: Final = make_json_answer(404, {"error": "unknown"})
BUSY: Final = make_json_answer(503, {"error": "busy"})
MALFORMED: Final = make_json_answer(400, {"error": "malformed"})
WRONG_METHOD: Final = make_json_answer(405, {"error": "method"})
UNEXPECTED: Final = make_json_answer(417, {"error": "expectation"})
FAULT: Final = make_json_answer(500, {"error": "fault"})


def make_open_answer(offset: int) -> Answer:
    """
    Say how much of an upload is held.

    Args:
        offset: In bytes.

    Returns:
        The answer.
    """
    return make_json_answer(200, {"state": "open", "offset": offset})


def make_offset_answer(offset: int) -> Answer:
    """
    Say that a slice does not belong where it was sent, and where the upload stands.

    Args:
        offset: In bytes.

    Returns:
        The answer.
    """
    return make_json_answer(409, {"error": "offset", "offset": offset})
