"""
A verdict as one HTML page that needs nothing else.

Rules:
    1. No script, no remote part, no link that leads out: it can be opened on a machine without
       network, sent to an editor, printed.
    2. Every text is escaped, also those that only hex digits could fill.
    3. It reads on a phone, and without colours.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Final

from tipline.audit.findings import Kind
from tipline.audit.report import describe_checked, name_verdict
from tipline.audit.timeline import GOOD, LATE, MARKS, MISSING, OFF, list_months
from tipline.audit.verify import Verdict
from tipline.audit.words import LIMITS, SPLIT_VIEW, Translate, say

MAX_ROWS: Final = 500  # of a table on the page; JSON has them all
_STYLE: Final = """
:root{color-scheme:light;--good:#d8ebdc;--late:#f4dc8c;--off:#c9ccd3;--missing:#e9a29a}
*{box-sizing:border-box}
body{font:1rem/1.5 system-ui,sans-serif;color:#1b1e24;background:#fff;max-width:60rem;
margin:0 auto;padding:1rem}
h1{font-size:1.4rem;line-height:1.25;margin:.5rem 0}
h2{font-size:1.1rem;margin:2rem 0 .5rem}
.verdict{border-inline-start:.5rem solid;padding:.75rem 1rem;background:#f3f4f6}
.holds{border-color:#2f7d46}.asks{border-color:#b07a00}.refused{border-color:#a82a1c}
.note{border:1px solid #b07a00;padding:.5rem 1rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:start;vertical-align:top;padding:.3rem .5rem;border-bottom:1px solid #d4d7dd}
.wide{overflow-x:auto}
.days{table-layout:fixed;font:.7rem/1.3 ui-monospace,monospace;min-width:20rem}
.days td,.days th{padding:0;border:1px solid #fff;text-align:center}
.days th:first-child{width:4.2rem;text-align:start}
.good{background:var(--good)}.late{background:var(--late)}
.off{background:var(--off)}.missing{background:var(--missing);font-weight:bold}
.key span{display:inline-block;min-width:1.4rem;text-align:center;margin-inline:1rem .3rem}
code{font:.85em ui-monospace,monospace;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem}
dd{margin:0;overflow-wrap:anywhere}
td{overflow-wrap:anywhere}
@media(max-width:36rem){.found thead{display:none}
.found tr{display:block;border-bottom:1px solid #d4d7dd;padding:.5rem 0}
.found td{display:block;border:0;padding:0}.found td:first-child{font-weight:bold}}
@media(max-width:30rem){dl{grid-template-columns:1fr}dt{font-weight:bold}}
@media print{body{padding:0;font-size:10pt}*{print-color-adjust:exact}h2{break-after:avoid}
tr{break-inside:avoid}}
"""
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)


def format_page(verdict: Verdict, translate: Translate, *, language: str) -> str:
    """
    Write a verdict as a page.

    Args:
        verdict: Any.
        translate: Looks a text up in the catalogue.
        language: Of the texts, as HTML names it.

    Returns:
        All of the page.
    """
    _ = translate
    title = _("What the log says, and whether it holds")
    sentence = name_verdict(verdict, _)
    judged = verdict.tree is not None and verdict.replay is not None
    mark = "refused" if not judged else "asks" if verdict.findings else "holds"
    parts = [
        f'<h1>{_e(title)}</h1><p class="verdict {mark}"><strong>{_e(sentence)}</strong></p>',
    ]
    if verdict.is_split_view_possible:
        parts.append(f'<p class="note">{_e(_(SPLIT_VIEW))}</p>')
    parts.append(_format_list(describe_checked(verdict, _)))
    parts.append(_format_findings(verdict, _))
    parts.append(_format_timeline(verdict, _))
    parts.append(_format_policy(verdict, _))
    parts.append(_format_events(verdict, _))
    limits = "".join(f"<li>{_e(_(limit))}</li>" for limit in LIMITS)
    parts.append(_format_heading(_("This verdict cannot say")) + f"<ul>{limits}</ul>")
    parts.append(_format_proof(verdict, _))
    return (
        f'<!doctype html><html lang="{_e(language)}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_e(_POLICY)}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{_e(title)}</title><style>{_STYLE}</style></head><body><main>"
        f"{''.join(parts)}</main></body></html>\n"
    )


def _e(text: object) -> str:
    return html.escape(str(text), quote=True)


def _format_heading(text: str) -> str:
    return f"<h2>{_e(text)}</h2>"


def _format_paragraph(text: str) -> str:
    return f"<p>{_e(text)}</p>"


def _format_list(pairs: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{_e(name)}</dt><dd>{_e(value)}</dd>" for name, value in pairs)
    return f"<dl>{rows}</dl>"


def _format_table(
    names: Iterable[str], rows: Iterable[Iterable[object]], *, style: str = "plain"
) -> str:
    head = "".join(f'<th scope="col">{_e(name)}</th>' for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{_e(cell)}</td>' for cell in row)}</tr>" for row in rows)
    table = f'<table class="{style}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="wide">{table}</div>'


def _format_findings(verdict: Verdict, translate: Translate) -> str:
    _ = translate
    heading = _format_heading(_("Found, the gravest first"))
    if not verdict.findings:
        return heading + _format_paragraph(_("nothing"))
    shown: dict[Kind, list[tuple[object, ...]]] = {}
    for finding in verdict.findings:
        of_kind = shown.setdefault(finding.kind, [])
        if len(of_kind) < MAX_ROWS:
            of_kind.append((finding.kind.exit_code, *say(finding, _)))
    rows = [row for of_kind in shown.values() for row in of_kind]
    more = len(verdict.findings) - len(rows) + verdict.omitted_len
    rest = _format_paragraph(_("and {count} more").format(count=more)) if more else ""
    names = (_("code"), _("what was found"), _("what to do"))
    return heading + _format_table(names, rows, style="found") + rest


def _format_timeline(verdict: Verdict, translate: Translate) -> str:
    _ = translate
    if verdict.replay is None:
        return ""
    first_on, last_on = verdict.replay.days.first_on, verdict.replay.days.last_on
    if first_on is None or last_on is None:
        return ""
    legend = (
        (GOOD, _("all was told, in time")),
        (LATE, _("late")),
        (OFF, _("no batch")),
        (MISSING, _("something is missing")),
    )
    month_name = _("month")
    key = "".join(f'<span class="{name}">{MARKS[name]}</span>{_e(text)}' for name, text in legend)
    head = "".join(f'<th scope="col">{day if day % 5 == 0 else ""}</th>' for day in range(1, 32))
    rows = "".join(
        f'<tr><th scope="row">{month.name}</th>'
        + "".join(f'<td class="{state}">{MARKS[state]}</td>' for state in month.days)
        + "</tr>"
        for month in list_months(first_on, last_on, verdict.findings)
    )
    return (
        _format_heading(_("Day by day"))
        + f'<p class="key">{key}</p><div class="wide"><table class="days"><thead><tr>'
        f'<th scope="col">{_e(month_name)}</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _format_policy(verdict: Verdict, translate: Translate) -> str:
    _ = translate
    periods = verdict.replay.events.periods if verdict.replay is not None else None
    if not periods:
        return ""
    rows = [
        (class_, ", ".join(f"{event} {days}" for event, days in events.items()))
        for class_, events in periods.items()
    ]
    heading = _format_heading(_("What is promised now: days from each event"))
    return heading + _format_table((_("class"), _("days")), rows)


def _format_events(verdict: Verdict, translate: Translate) -> str:
    _ = translate
    told = verdict.replay.events.told if verdict.replay is not None else []
    if not told:
        return ""
    rows = list(reversed(told))[:MAX_ROWS]
    more = len(told) - len(rows)
    rest = _format_paragraph(_("and {count} more").format(count=more)) if more else ""
    table = _format_table((_("day"), _("event"), _("of what")), rows)
    return _format_heading(_("Events, the newest first")) + table + rest


def _format_proof(verdict: Verdict, translate: Translate) -> str:
    _ = translate
    parts = [_format_heading(_("To check this again"))]
    pairs = [(_("the log's key"), verdict.trust.log.format())]
    if verdict.trust.root is not None:
        pairs.append((_("the desk root"), verdict.trust.root))
    parts.append(_format_list(pairs))
    for name, checkpoint in (
        (_("the checkpoint"), verdict.checkpoint),
        (_("the checkpoint kept from before"), verdict.before),
    ):
        if checkpoint is not None:
            note = _e(checkpoint.note.decode())
            parts.append(f'<p>{_e(name)}</p><pre class="wide"><code>{note}</code></pre>')
    return "".join(parts)
