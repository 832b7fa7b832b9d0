"""Every link between the pages leads somewhere, and every page can be found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
READERS = {"sources", "investigators", "auditors", "operators", "developers", "translators"}


def without_code(text: str) -> str:
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", lambda match: match.group().replace("[", "").replace("(", ""), text)


def links_of(page: Path) -> list[str]:
    return [first or second for first, second in LINK.findall(without_code(page.read_text()))]


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ (.+)$", without_code(page.read_text()), flags=re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower().replace("`", "")).replace(" ", "-")
        for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_when_followed_then_each_leads_to_a_file_and_a_heading(page: Path) -> None:
    """No page points at a page or a heading that is not there."""
    broken = []
    for link in links_of(page):
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)

    assert broken == []


def test_links_when_followed_from_the_index_then_every_page_is_reached() -> None:
    """docs/README.md leads, over links, to every page of docs/."""
    reached: set[Path] = set()
    waiting = [DOCS / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        waiting += [(page.parent / link.partition("#")[0]).resolve() for link in links_of(page)]

    assert set(DOCS.rglob("*.md")) - reached == set()


@pytest.mark.parametrize(
    "page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS))
)
def test_page_when_opened_then_it_says_whom_it_is_for(page: Path) -> None:
    """The second paragraph of every page names its readers."""
    lines = page.read_text().splitlines()

    assert lines[0].startswith("# ")
    match = re.match(r"For: ([a-z, ]+)", lines[2])
    assert match, lines[2]
    assert {name.strip() for name in match[1].split(",")} <= READERS


def test_check_when_a_link_is_broken_then_it_is_seen(tmp_path: Path) -> None:
    """The search finds links, also those of pictures, and leaves code alone."""
    page = tmp_path / "page.md"
    page.write_text("# A b: c\n\n[x](other.md#d) ![p](p.svg) `[no](link.md)`\n")

    assert links_of(page) == ["other.md#d", "p.svg"]
    assert anchors_of(page) == {"a-b-c"}
