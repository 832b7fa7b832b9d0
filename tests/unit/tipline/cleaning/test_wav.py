"""WAV: the coding and the samples stay, every other chunk goes."""

from __future__ import annotations

import struct

import pytest

from tests.sounds import FMT, PCM, SAMPLES, make_id3, make_wav, wav_chunk
from tests.unit.tipline.cleaning.test_ogg import clean, refuse
from tipline.cleaning import plan as plan_module
from tipline.cleaning.errors import Reason
from tipline.cleaning.plan import Format, Kind

CLEAN = make_wav()
FACT = wav_chunk(b"fact", bytes(4))
SUFFIX = bytes.fromhex("000000001000800000aa00389b71")
EXTENSIBLE = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 8000, 16000, 2, 16, 22, 16, 4) + b"\1\0" + SUFFIX


def make_coding(tag: int, more: bytes) -> bytes:
    """Make the chunk that says how sound is coded."""
    return wav_chunk(b"fmt ", struct.pack("<HHIIHH", tag, 1, 8000, 4000, 256, 4) + more)


MU_LAW = make_coding(7, bytes(2))
ADPCM = make_coding(2, b"\x20\0" + bytes(32))
IMA = make_coding(0x11, b"\2\0\xf9\1")
GSM = make_coding(0x31, b"\2\0\x40\1")


@pytest.mark.parametrize(
    "sound",
    [
        CLEAN,
        make_wav(FMT, wav_chunk(b"data", b"odd")),
        make_wav(wav_chunk(b"fmt ", b"\3" + PCM[1:]), SAMPLES),
        make_wav(wav_chunk(b"fmt ", EXTENSIBLE), FACT, SAMPLES),
        make_wav(MU_LAW, FACT, SAMPLES),
        make_wav(ADPCM, FACT, SAMPLES),
        make_wav(IMA, FACT, SAMPLES),
        make_wav(GSM, SAMPLES),
    ],
    ids=["plain", "odd", "float", "extensible", "mu-law", "adpcm", "ima", "gsm"],
)
def test_wav_when_it_has_only_what_a_decoder_needs_then_it_stays_byte_for_byte(
    sound: bytes,
) -> None:
    """A clean file is known as one."""
    cleaned, plan = clean(sound)

    assert (cleaned, plan.format, plan.kinds) == (sound, Format.WAV, ())


def info(*entries: tuple[bytes, bytes]) -> bytes:
    """Make a list of what is told."""
    return wav_chunk(b"LIST", b"INFO" + b"".join(wav_chunk(*entry) for entry in entries))


@pytest.mark.parametrize(
    ("told", "kinds"),
    [
        (info((b"IART", b"Ana"), (b"ICRD", b"2026")), {Kind.PERSON, Kind.TIME}),
        (info((b"ISFT", b"Lavf"), (b"Ixxx", b"x")), {Kind.SOFTWARE, Kind.OTHER}),
        (info(), {Kind.OTHER}),
        (wav_chunk(b"LIST", b"adtl"), {Kind.TEXT}),
        (wav_chunk(b"bext", bytes(602)), {Kind.TIME, Kind.PERSON, Kind.SOFTWARE, Kind.ID}),
        (wav_chunk(b"iXML", b"<x/>"), {Kind.DEVICE, Kind.TIME, Kind.PERSON}),
        (wav_chunk(b"_PMX", b"<x exif:GPSLatitude='1'/>"), {Kind.PLACE}),
        (wav_chunk(b"id3 ", make_id3((b"TPE1", b"\0Ana"))), {Kind.PERSON}),
        (wav_chunk(b"id3 ", b"rubbish"), {Kind.OTHER}),
        (wav_chunk(b"JUNK", bytes(28)), {Kind.OTHER}),
        (FACT, {Kind.OTHER}),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_wav_when_a_chunk_says_more_then_it_goes_and_its_kind_is_told(
    told: bytes, kinds: set[Kind], place: int
) -> None:
    """Every chunk but the coding and the samples goes, wherever it stands."""
    chunks = [FMT, SAMPLES]
    chunks.insert(place, told)

    cleaned, plan = clean(make_wav(*chunks))

    assert (cleaned, set(plan.kinds)) == (CLEAN, kinds)


@pytest.mark.parametrize(
    ("chunks", "cleaned_chunks"),
    [
        ((wav_chunk(b"fmt ", PCM + b"\6\0hidden"), SAMPLES), (FMT, SAMPLES)),
        ((make_coding(6, b""), SAMPLES), (make_coding(6, bytes(2)), SAMPLES)),
        ((MU_LAW, SAMPLES, FACT), (MU_LAW, FACT, SAMPLES)),
        ((MU_LAW, FACT, FACT, SAMPLES), (MU_LAW, FACT, SAMPLES)),
        ((MU_LAW, wav_chunk(b"fact", bytes(8)), SAMPLES), (MU_LAW, SAMPLES)),
        ((FMT, wav_chunk(b"data", b"odd")[:-1] + b"x"), (FMT, wav_chunk(b"data", b"odd"))),
    ],
)  # fmt: skip
def test_wav_when_it_is_written_otherwise_then_it_is_written_anew(
    chunks: tuple[bytes, ...], cleaned_chunks: tuple[bytes, ...]
) -> None:
    """One way to write the same sound."""
    cleaned, plan = clean(make_wav(*chunks))

    assert (cleaned, plan.kinds) == (make_wav(*cleaned_chunks), (Kind.OTHER,))


@pytest.mark.parametrize("behind", [b"\0", CLEAN, b"PK\3\4"])
def test_wav_when_something_lies_behind_the_end_then_it_goes(behind: bytes) -> None:
    """A sound that is an archive too loses its other half."""
    cleaned, plan = clean(make_wav(behind=behind))

    assert (cleaned, plan.kinds) == (CLEAN, (Kind.TRAILING,))


def test_wav_when_the_last_filling_byte_is_missing_then_it_is_there_afterwards() -> None:
    """Some programs leave it out."""
    whole = make_wav(FMT, wav_chunk(b"data", b"odd"))

    assert clean(whole[:-1])[0] == whole


@pytest.mark.parametrize("length", range(12, len(CLEAN) - 1))
def test_wav_when_it_is_cut_then_it_is_refused(length: int) -> None:
    """No file that ends too early is taken for a whole one."""
    assert refuse(CLEAN[:length]) == Reason.TRUNCATED


@pytest.mark.parametrize(
    ("sound", "reason"),
    [
        (make_wav(form=b"RF64"), Reason.UNSUPPORTED),
        (make_wav(FMT), Reason.MALFORMED),
        (make_wav(SAMPLES), Reason.MALFORMED),
        (make_wav(SAMPLES, FMT), Reason.MALFORMED),
        (make_wav(FMT, FMT, SAMPLES), Reason.MALFORMED),
        (make_wav(FMT, SAMPLES, SAMPLES), Reason.MALFORMED),
        (make_wav(FMT, wav_chunk(b"data", b"")), Reason.MALFORMED),
        (make_wav(FMT, SAMPLES, b"xyz"), Reason.MALFORMED),
        (b"RIFF\3\0\0\0WAVE", Reason.MALFORMED),
        (make_wav(FMT, b"data\xff\xff\xff\xff" + bytes(8)), Reason.TRUNCATED),
        (make_wav(wav_chunk(b"fmt ", PCM[:14]), SAMPLES), Reason.MALFORMED),
        (make_wav(wav_chunk(b"fmt ", EXTENSIBLE + b"xx"), SAMPLES), Reason.MALFORMED),
        (make_wav(wav_chunk(b"fmt ", EXTENSIBLE[:24] + b"\x55" + EXTENSIBLE[25:]), SAMPLES),
         Reason.UNSUPPORTED),
        (make_wav(wav_chunk(b"fmt ", EXTENSIBLE[:-1] + b"x"), SAMPLES), Reason.UNSUPPORTED),
        (make_wav(wav_chunk(b"fmt ", EXTENSIBLE[:16] + b"\x17" + EXTENSIBLE[17:]), SAMPLES),
         Reason.MALFORMED),
        (make_wav(make_coding(0x55, bytes(14)), SAMPLES), Reason.UNSUPPORTED),
        (make_wav(make_coding(2, b"\x20\0" + bytes(33)), SAMPLES), Reason.MALFORMED),
        (make_wav(make_coding(2, b"\x21\0" + bytes(32)), SAMPLES), Reason.MALFORMED),
        (make_wav(FMT, wav_chunk(b"wavl", bytes(8))), Reason.UNSUPPORTED),
    ],
)  # fmt: skip
def test_wav_when_it_breaks_a_rule_then_it_is_refused(sound: bytes, reason: Reason) -> None:
    """One coding, then its samples."""
    assert refuse(sound) == reason


def test_wav_when_there_are_too_many_chunks_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Empty chunks cannot take forever."""
    monkeypatch.setattr(plan_module, "MAX_PARTS", 9)

    assert refuse(make_wav(FMT, SAMPLES, *[wav_chunk(b"JUNK", b"")] * 9)) == Reason.TOO_COMPLEX
