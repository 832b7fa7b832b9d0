"""
Keep the catalogue: every text a person reads, in every language.

`update` extracts the texts from the code and the templates and merges them into the .po files;
`check` says what is missing; `compile` writes the .mo files that gettext reads.

The .po files hold no date, no line number and no person's name: two extractions of the same code
give the same bytes, and a catalogue tells nothing about who translated when.
A text's comment `PROMISE: P-07` names the promise of docs/threat-model.md that the text makes.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import string
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT: Final = Path(__file__).resolve().parent.parent
LOCALE: Final = ROOT / "tipline" / "locale"
TRANSLATED: Final = ("es", "pt")  # English is the text itself
PLURAL_FORMS: Final = "nplurals=2; plural=(n != 1);"
KEYWORDS: Final = {
    "_": None,
    "N_": None,
    "NN_": (1, 2),
    "gettext": None,
    "ngettext": (1, 2),
    "translate": None,
}
PACKAGES: Final = ("crypto", "retention", "tipline")
# The two extractors, of Python and of the templates, cut a comment's first word differently.
COMMENT_TAGS: Final = ("PROMISE", "PROMISE:")
_PERCENT: Final = re.compile(r"%(?:\([a-z_]+\))?[srd]")


def extract() -> Catalog:
    """
    Read every text out of the code and the templates.

    Returns:
        A catalogue without translations. A text's locations are files without lines.
    """
    with (ROOT / "babel.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)
    found: dict[str | tuple[str, ...], tuple[set[str], set[str]]] = {}
    for name, _line, text, comments, _context in extract_from_dir(
        ROOT,
        methods,
        options,
        keywords=KEYWORDS,
        comment_tags=COMMENT_TAGS,
        directory_filter=lambda path: Path(path).relative_to(ROOT).parts[0] in PACKAGES,
    ):
        files, remarks = found.setdefault(text, (set(), set()))
        files.add(name)
        remarks.update(
            "PROMISE: " + " ".join(comment.removeprefix("PROMISE:").split()) for comment in comments
        )
    catalog = Catalog(charset="utf-8")
    for text, (files, remarks) in sorted(found.items(), key=lambda item: sorted(item[1][0])):
        catalog.add(
            text,
            locations=[(name, None) for name in sorted(files)],
            auto_comments=sorted(remarks),
        )
    return catalog


def path_of(language: str) -> Path:
    """
    Say where a language's catalogue stands.

    Args:
        language: One of `TRANSLATED`.

    Returns:
        The .po file.
    """
    return LOCALE / language / "LC_MESSAGES" / "tipline.po"


def read(language: str) -> Catalog:
    """
    Read a language's catalogue.

    Args:
        language: One of `TRANSLATED`.

    Returns:
        The catalogue; empty if there is none yet.
    """
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language, charset="utf-8")


def format_po(catalog: Catalog, *, language: str) -> bytes:
    """
    Write a catalogue as a .po file with the smallest header that gettext needs.

    Args:
        catalog: Texts and translations.
        language: One of `TRANSLATED`.

    Returns:
        The file's bytes; the same for the same texts.
    """
    body = io.BytesIO()
    write_po(body, catalog, width=100, omit_header=True, sort_by_file=True, ignore_obsolete=True)
    header = (
        f"# The texts of the tip-line in {language}. Written by script/catalogue update.\n"
        'msgid ""\nmsgstr ""\n'
        '"Content-Type: text/plain; charset=UTF-8\\n"\n'
        f'"Language: {language}\\n"\n'
        f'"Plural-Forms: {PLURAL_FORMS}\\n"\n\n'
    )
    return header.encode() + body.getvalue()


def update() -> None:
    """Extract anew and merge: what the code no longer says goes, what is new comes in empty."""
    template = extract()
    for language in TRANSLATED:
        catalog = read(language)
        catalog.update(template, no_fuzzy_matching=True)
        path_of(language).parent.mkdir(parents=True, exist_ok=True)
        path_of(language).write_bytes(format_po(catalog, language=language))


def compile_() -> None:
    """Write the .mo files that gettext reads; they are built, never committed."""
    for language in TRANSLATED:
        path = path_of(language).with_suffix(".mo")
        # Whoever reads meanwhile finds a whole file, as it was or as it is now.
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        with unfinished.open("wb") as file:
            write_mo(file, read(language))
        unfinished.replace(path)


def find_faults(catalog: Catalog, template: Catalog) -> list[str]:
    """
    Compare a catalogue with what the code says.

    Args:
        catalog: A language's.
        template: From `extract`.

    Returns:
        One line per fault: a text missing, no longer used, untranslated, fuzzy, obsolete, with
        other placeholders or with another promise than the original.
    """
    wanted = {message.id: message for message in template if message.id}
    present = {message.id: message for message in catalog if message.id}
    faults = [f"missing: {id_!r}" for id_ in wanted.keys() - present.keys()]
    faults += [f"no longer used: {id_!r}" for id_ in present.keys() - wanted.keys()]
    faults += [f"obsolete: {id_!r}" for id_ in catalog.obsolete]
    for id_ in wanted.keys() & present.keys():
        faults += [f"{fault}: {id_!r}" for fault in _find_message_faults(present[id_], wanted[id_])]
    return sorted(faults)


def _find_message_faults(message: Message, original: Message) -> list[str]:
    originals = _forms(message.id)
    translations = _forms(message.string)
    if not all(translations) or len(translations) != len(originals):
        return ["untranslated"]
    faults = ["fuzzy"] if message.fuzzy else []
    allowed = [placeholders(text) for text in originals]
    if any(placeholders(text) not in allowed for text in translations):
        faults.append("other placeholders")
    if any(
        text.startswith("\n") != originals[0].startswith("\n")
        or text.endswith("\n") != originals[0].endswith("\n")
        for text in translations
    ):
        faults.append("other line breaks at the ends")
    if sorted(message.auto_comments) != sorted(original.auto_comments):
        faults.append("other promises")
    return faults


def _forms(text: str | tuple[str, ...] | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def placeholders(text: str) -> Counter[str]:
    """
    List what a text leaves open.

    Args:
        text: With `{name}`, `%(name)s` or `%s`.

    Returns:
        Each placeholder and how often it stands there.
    """
    percents = _PERCENT.findall(text)
    if percents:
        return Counter(percents)
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    except ValueError as exc:
        return Counter([f"unreadable: {exc}"])
    return Counter(names)


def main() -> int:
    """
    Run one of the three.

    Returns:
        0, or 1 when `check` found a fault.
    """
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0].strip())
    parser.add_argument("step", choices=("update", "check", "compile"))
    step = parser.parse_args().step
    if step == "update":
        update()
    if step == "compile":
        compile_()
        return 0
    template = extract()
    faults = [
        f"{language}: {fault}"
        for language in TRANSLATED
        for fault in find_faults(read(language), template)
    ]
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
