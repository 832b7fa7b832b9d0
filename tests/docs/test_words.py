"""
Three words promise more than anybody can keep: "anonymous", "deleted" and "secure".

They may stand only in sentences that were reviewed, which are listed here with the reason.
Looked through are the catalogue in every language, the templates and scripts of the page, the
scripts that talk, README.md and the pages for sources.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Stems, so that no form of a word slips through. Spanish "segundo" and "seguir" do not match.
STEMS = re.compile(
    r"\b(?:\w*anonym|\w*an[óôo]nim|delet|undelet|borra(?!dor)|elimin|apag|exclu[ií]|insecur|secur"
    r"|segur|insegur|inseguro|asegur|assegur)\w*",
    re.IGNORECASE,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """Sentences that may say one of the words, one per language where there are several."""

    id: str
    sentences: tuple[str, ...]
    reason: str


REVIEWED = (
    Reviewed(
        id="no-anonymity",
        sentences=(
            "It does not make anybody anonymous.",
            "**Anonymity.** Nobody here can promise it.",
        ),
        reason="These deny it, where readers look for it.",
    ),
    Reviewed(
        id="tor-browser-level",
        sentences=(
            (
                "In Tor Browser, choose the security level Safer or Standard (the shield beside the"
                " address), then load this page again."
            ),
            (
                "En el Navegador Tor, elija el nivel de seguridad «Más seguro» o «Estándar» (el"
                " escudo junto a la dirección) y cargue esta página otra vez."
            ),
            (
                "No Navegador Tor, escolha o nível de segurança «Mais seguro» ou «Padrão» (o escudo"
                " ao lado do endereço) e carregue esta página outra vez."
            ),
        ),
        reason="These are Tor Browser's own names; a source must find them there.",
    ),
)


def split_sentences(text: str) -> list[str]:
    """Split at full stops, colons before a space, table cells and empty lines."""
    pieces = re.split(r"(?<=[.!?])\s+|\n\s*\n|\s\|\s|\n[-*#|] ?", text)
    marks = r"^\s*(?:[-*#>|]+|[0-9]+\.) +"  # of lists, headings, quotations and tables
    return [" ".join(re.sub(marks, "", piece).split()) for piece in pieces if piece.strip()]


def find_unreviewed(text: str) -> list[str]:
    allowed = {sentence for reviewed in REVIEWED for sentence in reviewed.sentences}
    return [
        sentence
        for sentence in split_sentences(text)
        if STEMS.search(sentence) and sentence not in allowed
    ]


def source_pages() -> list[Path]:
    """Return the pages of docs/ whose second paragraph says that they are for sources."""
    return [
        path
        for path in sorted((ROOT / "docs").rglob("*.md"))
        if re.search(r"^For: .*\bsources?\b", path.read_text(), re.MULTILINE)
    ]


def page_texts() -> list[Path]:
    page = ROOT / "tipline" / "page"
    return [path for suffix in ("*.html", "*.ts", "*.svg") for path in sorted(page.rglob(suffix))]


def strip_code(path: Path) -> str:
    """Leave out what no reader sees: comments, and the names of headers and APIs in scripts."""
    text = path.read_text()
    if path.suffix == ".ts":
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)
        return "\n\n".join(re.findall(r'"[^"\n]*"|`[^`]*`', text))
    if path.suffix == ".html":
        # What is looked up in the catalogue is searched there.
        return re.sub(r"\{#.*?#\}|\{\{.*?\}\}|<!--.*?-->", "", text, flags=re.DOTALL)
    return text


@pytest.mark.parametrize("language", ["en", "es", "pt"])
def test_words_when_the_catalogue_is_searched_then_only_reviewed_sentences_say_them(
    catalogue: ModuleType, language: str
) -> None:
    """No text of any screen, reply or command promises what nobody can keep."""
    catalog = catalogue.extract() if language == "en" else catalogue.read(language)
    found = []
    for message in catalog:
        if not message.id:
            continue
        value = message.id if language == "en" else message.string
        for form in [value] if isinstance(value, str) else value:
            found += find_unreviewed(form)

    assert found == []


def test_words_when_the_pages_are_searched_then_only_reviewed_sentences_say_them() -> None:
    """README, the pages for sources and the page's own files keep to the same words."""
    paths = [ROOT / "README.md", *source_pages(), *page_texts()]
    found = [
        f"{path.relative_to(ROOT)}: {sentence}"
        for path in paths
        for sentence in find_unreviewed(strip_code(path))
    ]

    assert len(source_pages()) >= 1
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "You stay anonymous.",
        "Su aviso es anónimo.",
        "Você fica anônimo.",
        "The tip was deleted.",
        "El aviso fue borrado.",
        "El aviso se eliminó.",
        "O relato foi apagado.",
        "O relato foi excluído.",
        "A secure channel.",
        "Un canal seguro.",
        "A segurança vem primeiro.",
        "A long sentence comes before it. Then: 100 % anonymous",
    ],
)
def test_words_when_a_sentence_says_one_then_it_is_found(text: str) -> None:
    """Each word is found in each language."""
    assert find_unreviewed(text)


@pytest.mark.parametrize(
    "text",
    ["El segundo día.", "Para seguir, escriba aquí.", "Consegue abrir?", "Según la mesa."],
)
def test_words_when_a_sentence_only_looks_similar_then_it_is_left_alone(text: str) -> None:
    """Common words that share letters with the stems are not refused."""
    assert find_unreviewed(text) == []


def test_reviewed_when_listed_then_every_sentence_is_still_said(catalogue: ModuleType) -> None:
    """A reviewed sentence that nobody says any more leaves the list."""
    said: set[str] = set()
    for catalog in (catalogue.extract(), catalogue.read("es"), catalogue.read("pt")):
        for message in catalog:
            for value in (message.id, message.string):
                for form in [value] if isinstance(value, str) else value or ():
                    said.update(split_sentences(form))
    for path in (ROOT / "README.md", *source_pages(), *page_texts()):
        said.update(split_sentences(strip_code(path)))

    wanted = {sentence for reviewed in REVIEWED for sentence in reviewed.sentences}
    assert wanted - said == set()


def test_reviewed_when_listed_then_each_has_an_id_of_its_own_and_a_reason() -> None:
    """The list can be read by a reviewer."""
    ids = [reviewed.id for reviewed in REVIEWED]

    assert len(ids) == len(set(ids))
    assert all(reviewed.reason for reviewed in REVIEWED)
