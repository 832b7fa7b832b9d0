"""
The page `/accountability` as bytes, made of what the log says and of the facts beside its batch.

Rules:
1. It is a function of its arguments: the same account gives the same bytes, on any day.
2. It is not compressed, and filled up with spaces to a multiple of `ACCOUNT_STEP_BYTES`: neither
   its length nor that of a compressed form tells what stands in it.
3. No script runs on it.
"""

from __future__ import annotations

import dataclasses
import datetime
import gettext
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from crypto.keyset_fields import Keyset
from retention.log.entry import CloseStep, HoldStep
from retention.policy import RecordClass
from retention.slot_root import Method
from tipline.account import SHOWN_DAYS, Account, Configured, Gone, HeldInLog, Summary
from tipline.configuration import Configuration
from tipline.gateway.notices import SPOKEN, make_notice
from tipline.gateway.told import MEDIA, ToldGateway
from tipline.language import LANGUAGES, make_translations
from tipline.service.account_words import (
    CLASS_NAMES,
    CLOSING_WORDS,
    DAY_KEY_NAME,
    EVENT_WORDS,
    HAPPENING_WORDS,
    MEDIUM_NAMES,
    METHOD_WORDS,
    NOT_YET,
    SEEN_WORDS,
)
from tipline.service.pages import CONTENT_TYPES, NO_STORE, PROTECTION, Page, PageRenderer

ACCOUNT_STEP_BYTES: Final = 16 * 1024
CHECK_COMMAND: Final = "tipline audit verify http://{address} --key {key} --socks 127.0.0.1:9050"
EVERYTHING: Final = frozenset((None, *RecordClass))

NO_SCRIPT_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """
    Everything that the page is made of.

    Args:
        account: What was written down beside the batch.
        configured: What the configuration said when the batch was made.
        keyset: That of the account, verified; None if there was none.
        summary: What the log says.
        log_key: The log's verifier key.
        service_key: The verifier key of the service.
        is_shut: Whether the line has ended and its keys are gone.
    """

    account: Account
    configured: Configured
    keyset: Keyset | None
    summary: Summary
    log_key: str
    service_key: str
    is_shut: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GoneRow:
    """
    Some of what was due on a day.

    Args:
        on: The day.
        what: In the page's language.
        how: When and how it went, in the page's language; empty if it was not reported as gone.
    """

    on: datetime.date
    what: str
    how: str


def render_account(
    told: Told, *, configuration: Configuration, renderer: PageRenderer
) -> Mapping[str, Page]:
    """
    Render the page in every language.

    Args:
        told: What it says.
        configuration: The line's name and root.
        renderer: Of the source's pages.

    Returns:
        By language.
    """
    return MappingProxyType(
        {
            language: _make_page(
                renderer.render(
                    "accountability.html",
                    language=language,
                    **_list_facts(told, configuration=configuration, language=language),
                )
            )
            for language in LANGUAGES
        }
    )


def _make_page(body: bytes) -> Page:
    padded_len = -(-len(body) // ACCOUNT_STEP_BYTES) * ACCOUNT_STEP_BYTES
    return Page(
        headers=MappingProxyType(
            {
                "Content-Type": CONTENT_TYPES[".html"],
                "Cache-Control": NO_STORE,
                **PROTECTION,
                "Content-Security-Policy": NO_SCRIPT_POLICY,
            }
        ),
        bodies=MappingProxyType({"identity": body.ljust(padded_len)}),
    )


def _list_facts(told: Told, *, configuration: Configuration, language: str) -> Mapping[str, Any]:
    translations = make_translations(language)
    summary, keyset = told.summary, told.keyset
    return {
        "batch_on": summary.batch_on,
        "begun_on": summary.begun_on,
        "log_hour": told.configured.log_hour,
        "log_size": summary.size,
        "closing": summary.closing,
        **_say_closing(summary, translations),
        "is_shut": told.is_shut,
        "policy_on": summary.policy_on,
        "kept": list(_list_kept(summary, translations, is_there=True)),
        "not_yet": list(_list_kept(summary, translations, is_there=False)),
        "keyset": keyset,
        "channels": [] if keyset is None else list(_list_channels(keyset, language)),
        "waiting_text": _say_waiting(told.account.waiting_weeks, translations),
        "shown_days": SHOWN_DAYS,
        "gone": [
            row for day, found in summary.days for row in _list_gone(day, found, translations)
        ],
        "holds": [
            (hold, _say_hold(hold, translations), _is_overdue(hold, summary.batch_on))
            for hold in summary.holds
        ],
        "happenings": [
            (happening.on, translations.gettext(HAPPENING_WORDS[happening.type, happening.step]))
            for happening in summary.happenings
        ],
        "root_key": configuration.root.format(),
        "log_key": told.log_key,
        "service_key": told.service_key,
        "witnesses": [] if keyset is None else [one.format() for one in keyset.witnesses],
        "quorum": 0 if keyset is None else keyset.quorum,
        "check_command": CHECK_COMMAND.format(
            address="ADDRESS.onion" if keyset is None or keyset.onion is None else keyset.onion,
            key=told.log_key,
        ),
        "has_mail": told.configured.has_mail,
        "gateways": [
            _say_gateway(gateway, told, language=language) for gateway in told.configured.gateways
        ],
    }


def _list_kept(
    summary: Summary, translations: gettext.NullTranslations, *, is_there: bool
) -> Iterator[tuple[str, list[str]]]:
    for record_class in RecordClass:
        if (record_class not in NOT_YET) is is_there:
            periods = summary.policy.periods[record_class]
            yield (
                translations.gettext(CLASS_NAMES[record_class]),
                [
                    translations.gettext(EVENT_WORDS[event]).format(
                        days=format_days(count, translations)
                    )
                    for event, count in periods.items()
                ],
            )


def _list_channels(keyset: Keyset, language: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    readers = {reader.id: reader for reader in keyset.readers}
    for channel in keyset.channels:
        yield (
            channel.names[language],
            [
                {
                    "name": readers[entry.reader].name,
                    "unit": readers[entry.reader].unit,
                    "from_on": max(entry.from_on, readers[entry.reader].since_on),
                    "until_on": entry.until_on,
                    "optional": entry.optional,
                }
                for entry in channel.readers
            ],
        )


def _list_gone(
    on: datetime.date,
    found: Mapping[RecordClass | None, Gone],
    translations: gettext.NullTranslations,
) -> Iterator[GoneRow]:
    by_how: dict[str, set[RecordClass | None]] = {}
    # Of what is not kept nothing can be gone; the table of periods says which classes these are.
    unkept = {one for one, gone in found.items() if gone.method is Method.NONE_KEPT}
    everything = EVERYTHING - unkept
    for record_class, gone in found.items():
        if record_class not in unkept:
            by_how.setdefault(_say_how(gone, translations), set()).add(record_class)
    if missing := everything - found.keys():
        by_how[""] = set(missing)
    most = max(by_how, key=lambda how: len(by_how[how]))
    for how, classes in by_how.items():
        if classes == everything:
            what = translations.gettext("all that was due")
        elif how == most and how:
            what = translations.gettext("all else that was due")
        else:
            what = ", ".join(_list_names(classes, translations))
        yield GoneRow(on=on, what=what, how=how)


def _list_names(
    classes: set[RecordClass | None], translations: gettext.NullTranslations
) -> Iterator[str]:
    # In the policy's order, whatever the order in the log was.
    for record_class in RecordClass:
        if record_class in classes:
            yield translations.gettext(CLASS_NAMES[record_class])
    if None in classes:
        yield translations.gettext(DAY_KEY_NAME)


def _say_how(gone: Gone, translations: gettext.NullTranslations) -> str:
    method = translations.gettext(METHOD_WORDS[gone.method])
    if gone.late_days == 0:
        return translations.gettext("on its day: {method}").format(method=method)
    return translations.gettext("{days} late: {method}").format(
        days=format_days(gone.late_days, translations), method=method
    )


def format_days(count: int, translations: gettext.NullTranslations) -> str:
    """
    Say a number of days.

    Args:
        count: How many.
        translations: Of the page's language.

    Returns:
        Words.
    """
    return translations.ngettext("{count} day", "{count} days", count).format(count=count)


def _say_gateway(gateway: ToldGateway, told: Told, *, language: str) -> Mapping[str, Any]:
    translations = make_translations(language)
    onion = None if told.keyset is None else told.keyset.onion
    media = MEDIA[gateway.kind]
    return {
        "ways": [translations.gettext(MEDIUM_NAMES[medium]) for medium in media],
        "channel": _name_channel(told.keyset, gateway.channel, language),
        "notices": [make_notice(medium, language=language, onion=onion) for medium in media],
        "is_spoken": SPOKEN.issuperset(media),
        "is_sent": gateway.notice,
        "companies": [
            (
                company.name[language],
                company.country[language],
                ", ".join(translations.gettext(SEEN_WORDS[seen]) for seen in company.sees),
                company.keeps[language],
            )
            for company in gateway.companies
        ],
        "has_gap": gateway.has_gap,
    }


def _name_channel(keyset: Keyset | None, channel: str, language: str) -> str:
    for known in () if keyset is None else keyset.channels:
        if known.id == channel:
            return known.names[language]
    return channel


def _say_waiting(weeks: int, translations: gettext.NullTranslations) -> str:
    if weeks == 0:
        return translations.gettext(
            "No tip has waited for a full week. The same stands here when none waits at all."
        )
    return translations.ngettext(
        "The oldest tip that the readers have not fetched has waited for {count} full week.",
        "The oldest tip that the readers have not fetched has waited for {count} full weeks.",
        weeks,
    ).format(count=weeks)


def _say_hold(hold: HeldInLog, translations: gettext.NullTranslations) -> str:
    _ = translations.gettext
    words = {
        HoldStep.PLACED: _("In force since {placed}. It ends on {until}."),
        HoldStep.RELEASED: _("In force since {placed}, until {until}. Released on {ended}."),
        HoldStep.EXPIRED: _("In force since {placed}, until {until}. Ended on {ended}."),
    }
    return words[hold.step].format(placed=hold.placed_on, until=hold.until_on, ended=hold.ended_on)


def _say_closing(summary: Summary, translations: gettext.NullTranslations) -> Mapping[str, str]:
    closing = summary.closing
    if closing is None:
        return {}
    heading, text = CLOSING_WORDS[closing.step]
    said = {
        "closing_heading": translations.gettext(heading).format(day=closing.on),
        "closing_text": translations.gettext(text).format(day=closing.on),
        "closing_end": "",
    }
    if closing.step in (CloseStep.ANNOUNCED, CloseStep.INTAKE_STOPPED) and summary.ends_on:
        said["closing_end"] = translations.gettext(
            "Its log ends on {day}, or later if something is held then. The day comes of the"
            " periods alone: it does not tell if anything is stored."
        ).format(day=summary.ends_on)
    return said


def _is_overdue(hold: HeldInLog, batch_on: datetime.date) -> bool:
    return hold.ended_on is None and hold.until_on < batch_on
