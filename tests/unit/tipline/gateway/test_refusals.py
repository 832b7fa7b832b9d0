"""What a provider's refusal means."""

from __future__ import annotations

import json

import pytest

from tipline.gateway.refusals import read_meta_status, read_twilio_status


@pytest.mark.parametrize(
    ("status", "code", "means"),
    [
        (400, 130429, 429),
        (400, 131056, 429),
        (500, 131016, 429),
        (400, 190, 403),
        (401, 190, 401),
        (400, 200, 403),
        (400, 0, 403),
        (400, 131047, 400),
        (400, 131026, 400),
        (400, 300, 400),
        (400, "190", 403),
        (400, "x", 400),
        (400, None, 400),
        (400, -1, 400),
    ],
)
def test_meta_when_it_refuses_then_the_code_says_whether_that_is_for_good(
    status: int, code: object, means: int
) -> None:
    """Later, or the account, or this very answer."""
    assert read_meta_status(status, json.dumps({"error": {"code": code}}).encode()) == means


@pytest.mark.parametrize(
    ("status", "code", "means"),
    [
        (429, 20429, 429),
        (400, 21611, 429),
        (400, 21606, 403),
        (401, 20003, 401),
        (400, 21610, 400),
        (400, 21211, 400),
    ],
)
def test_twilio_when_it_refuses_then_the_code_says_whether_that_is_for_good(
    status: int, code: int, means: int
) -> None:
    """Later, or the account, or this very answer."""
    assert read_twilio_status(status, json.dumps({"code": code}).encode()) == means


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b"7", b'{"error": 1}', b'{"error": {}}'])
def test_refusal_when_it_says_nothing_then_its_status_counts(answer: bytes) -> None:
    """What cannot be read changes nothing."""
    assert read_meta_status(400, answer) == 400
    assert read_twilio_status(401, answer) == 401
