"""WebM and Matroska: pictures and sound stay, and nothing that is told about them."""

from __future__ import annotations

import io
import tracemalloc

import pytest

from tests.films import NEXT_PICTURE, PICTURE
from tests.matroskas import (
    AVC_PRIVATE,
    make_cluster,
    make_entry,
    make_group,
    make_info,
    make_matroska,
    make_simple,
    make_sound,
    make_tag,
    make_tracks,
)
from tests.vectors.cleaning_films import X264
from tipline.cleaning import ebml as ebml_module
from tipline.cleaning import matroskaclusters as clusters_module
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.ebml import format_element, format_number, list_elements
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Format, Kind, Plan, Range, write_cleaned

SEGMENT, TRACKS, CUES, CLUSTER = 0x18538067, 0x1654AE6B, 0x1C53BB6B, 0x1F43B675
CANARY = b"Benita Sandoval-Quiroga"


def clean(data: bytes) -> tuple[Plan, bytes]:
    """Clean, and hold that what comes of it is clean."""
    plan, out = plan_cleaning(io.BytesIO(data)), io.BytesIO()
    write_cleaned(plan, io.BytesIO(data), out)
    again = plan_cleaning(out)
    assert again.kinds == ()
    return plan, out.getvalue()


def read_reason(data: bytes) -> Reason:
    """Return why it is refused."""
    with pytest.raises(RefusedError) as caught:
        plan_cleaning(io.BytesIO(data))
    return caught.value.reason


def list_parts(data: bytes) -> list[tuple[int, bytes]]:
    """List what a file's segment holds."""
    return list(list_elements(dict(list_elements(data))[SEGMENT]))


def test_matroska_when_cleaned_then_nothing_that_is_told_stays() -> None:
    """A name in every place where one may stand is in no place afterwards."""
    data = make_matroska(
        make_tag(CANARY, CANARY),
        format_element(0x1941A469, CANARY),
        format_element(0x1043A770, CANARY),
        format_element(0xEC, CANARY),
        format_element(0x4DFF, CANARY),
        format_element(0x1C53BB6B, CANARY),
        format_element(0x114D9B74, CANARY),
        make_cluster(
            format_element(0xEC, CANARY),
            format_element(0x4DFF, CANARY),
            make_simple(b"seen"),
            make_simple(CANARY, number=2),
            make_group(format_element(0x75A1, CANARY), content=b"more"),
        ),
        info=make_info(
            *(
                format_element(number, CANARY)
                for number in (0x7BA9, 0x7384, 0x73A4, 0x3C83AB, 0x4461, 0x4DFF, 0xBF)
            ),
            program=CANARY,
        ),
        tracks=make_tracks(
            make_entry(
                *(
                    format_element(number, CANARY)
                    for number in (0x536E, 0x22B59C, 0x22B59D, 0x258688, 0x7446, 0x41E4, 0x4DFF)
                ),
                private=CANARY,
                video=format_number(0xB0, 8) + format_element(0x4DFF, CANARY),
            ),
            make_entry(codec=b"S_TEXT/UTF8", private=CANARY, number=2, kind=17),
            format_element(0xEC, CANARY),
        ),
        behind=CANARY,
    )

    plan, cleaned = clean(data)

    assert CANARY not in cleaned
    assert set(plan.kinds) >= {Kind.TIME, Kind.SOFTWARE, Kind.TEXT, Kind.ID, Kind.EMBEDDED}
    assert b"seen" in cleaned
    assert b"more" in cleaned


def test_matroska_when_cleaned_then_cues_name_where_clusters_are() -> None:
    """Whoever jumps to a time comes to the cluster with its picture."""
    data = make_matroska(
        make_cluster(make_simple()),
        make_cluster(make_simple(flags=0), time=40),
        make_cluster(make_simple(flags=0), make_simple(time=7), time=80),
        is_open=True,
    )

    _, cleaned = clean(data)

    content = dict(list_elements(cleaned))[SEGMENT]
    cues = [dict(list_elements(cue)) for _, cue in list_elements(dict(list_parts(cleaned))[CUES])]
    assert [int.from_bytes(cue[0xB3], "big") for cue in cues] == [0, 87]
    for cue, time in zip(cues, (0, 80), strict=True):
        place = int.from_bytes(dict(list_elements(cue[0xB7]))[0xF1], "big")
        number, cluster = next(list_elements(content[place:]))
        assert (number, next(list_elements(cluster))) == (CLUSTER, (0xE7, bytes([time])))


def test_matroska_when_large_then_blocks_are_kept_as_ranges() -> None:
    """What is kept is not copied into the plan."""
    data = make_matroska(make_cluster(make_simple(bytes(100_000)), make_simple(bytes(100_000))))

    plan, _ = clean(data)

    assert [piece.length_bytes for piece in plan.pieces if isinstance(piece, Range)] == [200_016]
    assert sum(len(piece) for piece in plan.pieces if isinstance(piece, bytes)) < 500


def test_matroska_when_a_sample_goes_then_all_others_stay() -> None:
    """What an encoder told leaves pictures byte for byte."""
    data = make_matroska(
        make_cluster(make_simple(X264 + PICTURE), make_simple(NEXT_PICTURE, time=1, flags=0)),
        tracks=make_tracks(make_entry(codec=b"V_MPEG4/ISO/AVC", private=AVC_PRIVATE)),
        doc_type=b"matroska",
    )

    plan, cleaned = clean(data)

    blocks = [part for number, part in list_elements(list_parts(cleaned)[-1][1]) if number == 0xA3]
    assert (plan.format, plan.kinds) == (Format.MKV, (Kind.SOFTWARE,))
    assert blocks == [b"\x81\0\0\x80" + PICTURE, b"\x81\0\1\0" + NEXT_PICTURE]


def test_matroska_when_it_has_no_pictures_then_cues_are_of_sound() -> None:
    """A voice note can be jumped in, too."""
    data = make_matroska(make_cluster(make_simple()), tracks=make_tracks(make_sound()))

    _, cleaned = clean(data)

    assert [number for number, _ in list_parts(cleaned)] == [0x1549A966, TRACKS, CUES, CLUSTER]


@pytest.mark.parametrize(
    ("module", "bound", "value"),
    [
        (ebml_module, "MAX_ELEMENTS", 6),
        (clusters_module, "MAX_CLUSTERS", 1),
        (clusters_module, "MAX_CHANGES", 1),
        (clusters_module, "MAX_COPIED_BYTES", 3),
    ],
)
def test_matroska_when_a_bound_is_passed_then_it_is_refused(
    module: object, bound: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each bound is held."""
    group = make_group(format_element(0x75A1), content=b"seen")
    data = make_matroska(make_cluster(group, make_simple(), group), make_cluster(make_simple()))
    assert plan_cleaning(io.BytesIO(data)).kinds == (Kind.OTHER,)
    monkeypatch.setattr(module, bound, value)

    assert read_reason(data) == Reason.TOO_COMPLEX


def test_matroska_when_elements_in_memory_are_too_many_then_it_is_refused() -> None:
    """A list of empty elements takes no time."""
    info = format_element(0x1549A966, format_element(0xEC) * 4_097)

    assert read_reason(make_matroska(info=info)) == Reason.TOO_COMPLEX


def test_matroska_when_it_lies_of_its_lengths_then_no_memory_is_taken() -> None:
    """What is declared is never made."""
    block = b"\xa3\x01\x00\x0f\xff\xff\xff\xff\xff"
    data = make_matroska(b"\x1f\x43\xb6\x75\xff\xe7\x81\0" + block, is_open=True)
    tracemalloc.start()

    reason = read_reason(data)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reason == Reason.TRUNCATED
    assert peak < 1024 * 1024
