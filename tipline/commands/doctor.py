"""`tipline doctor DIR`: what is wrong with a line, and what to do."""

from __future__ import annotations

import argparse

from tipline.clock import system_clock
from tipline.console import Console
from tipline.doctor import TEXTS, examine
from tipline.finding import Finding, Level
from tipline.hints import HINTS
from tipline.language import Text
from tipline.messages import ERRORS

WRONG_EXIT_CODE = 49  # the command worked; the line does not


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Examine the line.

    Args:
        options: As parsed.
        console: Where to tell.

    Returns:
        0, or `WRONG_EXIT_CODE` if something is wrong.
    """
    _ = console.translate
    findings = examine(options.directory, clock=system_clock)
    if options.json:
        console.print_json({"findings": [_format_finding(finding) for finding in findings]})
    else:
        words = {Level.WRONG: _("wrong"), Level.WARNING: _("warning")}
        for finding in findings:
            what, remedy = _choose_texts(finding)
            console.print(f"{words[finding.level]}: {console.fill(what, finding.facts)}")
            if remedy:
                console.print("  " + console.fill(remedy, finding.facts))
        if not findings:
            console.print(_("Nothing is wrong."))
    wrong = any(finding.level is Level.WRONG for finding in findings)
    return WRONG_EXIT_CODE if wrong else 0


def _choose_texts(finding: Finding) -> tuple[Text, Text]:
    if finding.code in TEXTS:
        return TEXTS[finding.code]
    return ERRORS[finding.code], HINTS.get(finding.code, "")


def _format_finding(finding: Finding) -> dict[str, object]:
    return {"level": str(finding.level), "code": finding.code, "facts": dict(finding.facts)}
