"""`tipline desk init`, `open`, `list` and `show`: on the offline workstation."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from crypto.errors import CryptoError, ForeignError, NoMatchError
from crypto.keyset_fields import Keyset
from crypto.tip import MAX_TIP_JSON_BYTES, Tip, parse_tip
from tipline.clock import system_clock
from tipline.commands.desk_files import judge_opened, read_earlier
from tipline.console import Console
from tipline.desk.asking import make_asker
from tipline.desk.attached import describe_file
from tipline.desk.exporting import FILES
from tipline.desk.filewords import describe_judgement
from tipline.desk.given import read_given
from tipline.desk.judging import Judgement
from tipline.desk.keyfiles import parse_root_key, read_all_identities, read_limited
from tipline.desk.naming import name_category, name_channel
from tipline.desk.opening import BundleOutcome, TipOutcome, open_bundle
from tipline.desk.phonewords import describe_given, describe_phone, describe_seal, find_came_by
from tipline.desk.reasons import FAULTS
from tipline.desk.vault import Record, Vault
from tipline.errors import BrokenTipsError, VaultError
from tipline.handle_words import speak_handle
from tipline.language import Translate
from tipline.messages import ERRORS
from tipline.plain import make_printable_line, make_printable_text


def run_init(options: argparse.Namespace, console: Console) -> int:
    """
    Make a vault.

    Args:
        options: As parsed.
        console: Where it reads and writes.

    Returns:
        0.

    Raises:
        VaultError: there is something already.
        MalformedError: the root is not a verifier key.
        FileError: it cannot be written.
    """
    Vault.init(options.vault, root=parse_root_key(options.root))
    return 0


def run_open(options: argparse.Namespace, console: Console) -> int:
    """
    Open a bundle.

    Args:
        options: As parsed.
        console: Where it reads and writes.

    Returns:
        0 if every tip of the bundle for these identities is now in the vault.

    Raises:
        BrokenTipsError: some tips are broken; the others were opened.
        ForeignError: some tips are not in our format and were quarantined.
        NoMatchError: nothing in the bundle is sealed to these identities.
        CryptoError: the bundle, its keyset or an identity must not be used.
        TiplineError: a file or the vault cannot be used.
    """
    vault = _open_vault(options)
    ask = make_asker(options.passphrase_file, console=console)
    identities = read_all_identities(options.identity, ask=ask)
    with options.bundle.open("rb") as bundle:
        outcome = open_bundle(
            bundle,
            vault=vault,
            identities=identities,
            today=system_clock().date(),
            on_tip=lambda tip: _tell_outcome(tip, console),
        )
    if not options.json:
        # Before the files are looked at, which may take long.
        _print_counts(console, outcome)
    readable = [*outcome.ids("opened"), *outcome.ids("already")]
    judged = judge_opened(vault, readable, today=system_clock().date(), console=console)
    if options.json:
        console.print_json(_outcome_fields(outcome, judged))
    _raise_worst(outcome)
    return 0


def _open_vault(options: argparse.Namespace) -> Vault:
    if options.root is None:
        return Vault.open(options.vault)
    root = parse_root_key(options.root)
    if not (options.vault / "root").exists():
        return Vault.init(options.vault, root=root)
    vault = Vault.open(options.vault)
    if vault.pinned.root != root:
        raise VaultError("vault_other_root", path=str(options.vault))
    return vault


def _tell_outcome(tip: TipOutcome, console: Console) -> None:
    _ = console.translate
    if tip.state == "opened":
        console.note(_("tip {id}: opened").format(id=tip.id))
    if tip.state == "broken":
        reason = console.fill(ERRORS[tip.code], {"detail": tip.detail})
        console.say(_("tip {id}: broken, left out: {reason}").format(id=tip.id, reason=reason))
    if tip.state == "not_for_you":
        console.say(_("tip {id}: not sealed to you").format(id=tip.id))
    if tip.state == "already":
        console.say(_("tip {id}: opened before, left as it is").format(id=tip.id))
    if tip.state == "foreign":
        console.say(_("tip {id}: not in our format, kept apart, not unpacked").format(id=tip.id))
    for name, reason in tip.faults:
        if name:
            line = _("tip {id}: refused member {member} ({reason})")
        else:
            line = _("tip {id}: refused ({reason})")
        member = make_printable_line(name)
        console.say(line.format(id=tip.id, member=member, reason=_(FAULTS[reason])))


def _print_counts(console: Console, outcome: BundleOutcome) -> None:
    _ = console.translate
    for tip_id in outcome.ids("opened"):
        console.print(tip_id)
    console.say(_("the service made this bundle on {day}").format(day=outcome.made_on))
    counts = {state: len(outcome.ids(state)) for state in _STATES}
    console.say(
        _(
            "{opened} opened, {already} opened before, {not_for_you} not sealed to you,"
            " {foreign} kept apart, {broken} broken"
        ).format(**counts)
    )


_STATES: Final = ("opened", "already", "not_for_you", "foreign", "broken")


def _outcome_fields(
    outcome: BundleOutcome, judged: Mapping[str, list[Judgement]]
) -> dict[str, Any]:
    return {
        "made_on": outcome.made_on.isoformat(),
        "keyset": outcome.keyset,
        "tips": [
            {
                "id": tip.id,
                "state": tip.state,
                "faults": [{"member": name, "reason": reason} for name, reason in tip.faults],
                "code": tip.code or None,
                "detail": tip.detail or None,
                "files": [judgement.as_fields() for judgement in judged.get(tip.id, [])],
            }
            for tip in outcome.tips
        ],
    }


def _raise_worst(outcome: BundleOutcome) -> None:
    if broken := outcome.ids("broken"):
        raise BrokenTipsError(count=len(broken))
    if outcome.ids("foreign"):
        raise ForeignError("quarantine")
    readable = outcome.ids("opened") + outcome.ids("already")
    if outcome.ids("not_for_you") and not readable:
        raise NoMatchError("bundle")


def run_list(options: argparse.Namespace, console: Console) -> int:
    """
    List the tips in a vault.

    Args:
        options: As parsed.
        console: Where it reads and writes.

    Returns:
        0.

    Raises:
        VaultError: the vault is missing or damaged.
        PermissionsError: others can read it.
    """
    _ = console.translate
    records = Vault.open(options.vault).list_records()
    if options.json:
        console.print_json({"tips": [record.as_fields() for record in records]})
        return 0
    for record in records:
        words = [record.id, record.arrived_on, make_printable_line(record.channel)]
        words.append(_state_words(record, _))
        if record.pseudonym is not None:
            words.append(speak_handle(bytes.fromhex(record.pseudonym), console.language))
        console.print("  ".join(words))
    return 0


def _state_words(record: Record, translate: Translate) -> str:
    _ = translate
    return _("kept apart") if record.state == "foreign" else _("opened")


def run_show(options: argparse.Namespace, console: Console) -> int:
    """
    Show a tip.

    Args:
        options: As parsed.
        console: Where it reads and writes.

    Returns:
        0.

    Raises:
        VaultError: there is no such tip, or the vault is damaged.
        PermissionsError: others can read the vault.
        CryptoError: the tip's files were changed since it was opened.
    """
    _ = console.translate
    vault = Vault.open(options.vault)
    place, record = vault.find(options.id)
    fields = None
    if record.state == "opened":
        fields = read_limited(place / "tip.json", max_bytes=MAX_TIP_JSON_BYTES)
        names = sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())
    judgements = read_earlier(vault, record.id, console=console)
    given = read_given(vault, record.id)
    if options.json:
        facts = {
            "record": record.as_fields(),
            "tip": None if fields is None else json.loads(fields),
            "place": str(place),
            "found": [judgement.as_fields() for judgement in judgements.values()],
            "handle": None
            if record.pseudonym is None
            else speak_handle(bytes.fromhex(record.pseudonym), console.language),
            "answers": [one.as_fields() for one in given],
        }
        console.print_json(facts)
        return 0
    keyset = _read_names(vault, console)
    tip = None if fields is None else parse_tip(fields)
    _print_record(console, record, place, keyset, tip)
    for line in describe_given(given, translate=_):
        console.print(line)
    if tip is not None:
        _print_found(console, names, judgements)
        _print_tip(console, tip, record.channel, keyset, _describe_files(names, tip, _))
    return 0


def _read_names(vault: Vault, console: Console) -> Keyset | None:
    _ = console.translate
    try:
        return vault.pinned.read_keyset()
    except CryptoError as exc:
        # It names channels and no more: a tip is not kept from its reader for that.
        reason = console.fill(ERRORS[exc.code], {"detail": exc.detail, **exc.facts})
        console.say(
            _("the vault's keyset cannot be used for names: {reason}").format(reason=reason)
        )
        return None


def _print_record(
    console: Console, record: Record, place: Path, keyset: Keyset | None, tip: Tip | None
) -> None:
    _ = console.translate
    came_by = None if tip is None else find_came_by(record, tip)
    channel = name_channel(record.channel, keyset=keyset, language=console.language, translate=_)
    sealed = _("by the service: it could read this tip for a moment")
    if came_by is not None:
        sealed = describe_seal(came_by, translate=_)
    if not record.sealed_by_service:
        claims = {
            "browser": _("in the source's browser, as the tip itself claims"),
            "sender": _("by the sender program, as the tip itself claims"),
            "gateway": _("not by the service, though the tip itself claims to come from a phone"),
        }
        sealed = claims.get(record.claimed_sealing or "", _("not by the service"))
    lines = [
        (_("id"), record.id),
        (_("place"), str(place)),
        (_("arrived on"), record.arrived_on),
        (_("dies at the service on"), record.dies_on),
        (_("channel"), make_printable_line(channel)),
        (_("keyset"), str(record.keyset)),
        (_("envelope"), _("{count} bytes").format(count=record.size_bytes)),
        (_("sealed"), sealed),
        (_("opened on"), record.opened_on),
    ]
    if came_by is not None:
        lines += describe_phone(came_by, record, language=console.language, translate=_)
    for name, value in lines:
        console.print(f"{name}: {value}")
    for name, reason in record.faults:
        line = _("refused: {member} ({reason})") if name else _("refused: {reason}")
        # A record of another version may know reasons that this one has no words for.
        words = _(FAULTS[reason]) if reason in FAULTS else make_printable_line(reason)
        console.print(line.format(member=make_printable_line(name), reason=words))


def _print_found(console: Console, names: list[str], judgements: Mapping[str, Judgement]) -> None:
    _ = console.translate
    attached = [name for name in names if name.startswith(f"{FILES}/")]
    if not attached:
        return
    # Before the claims and under a heading of its own: no claim passes itself off as one of these.
    console.print()
    console.print(_("What the desk found in the files:"))
    for name in attached:
        found = _("not looked at; to have it looked at, open the bundle again")
        if name in judgements:
            found = describe_judgement(judgements[name], translate=_)
        console.print("  " + _("{file}: {found}").format(file=name, found=found))


def _describe_files(names: list[str], tip: Tip, translate: Translate) -> list[str]:
    return [
        describe_file(name, tip, translate=translate)
        for name in names
        if name not in ("tip.json", "text.txt")
    ]


def _print_tip(
    console: Console,
    tip: Tip,
    recorded_channel: str,
    keyset: Keyset | None,
    file_lines: list[str],
) -> None:
    _ = console.translate
    language = console.language
    channel = category = None
    if tip.channel is not None:
        channel = name_channel(tip.channel, keyset=keyset, language=language, translate=_)
    if tip.category is not None:
        category = name_category(
            tip.category,
            channel_id=tip.channel or recorded_channel,
            keyset=keyset,
            language=language,
            translate=_,
        )
    yes_no = {True: _("yes"), False: _("no")}
    days = None
    if tip.days is not None:
        days = _("{first} to {last}").format(first=tip.days.from_on, last=tip.days.to_on)
    claims: Mapping[str, str | None] = {
        _("channel"): channel,
        _("language"): tip.language,
        _("page build"): tip.build,
        _("sealed at"): tip.sealed_at,
        _("kind"): tip.kind,
        _("category"): category,
        _("place in words"): tip.place,
        _("happened"): days,
        _("somebody is in danger"): None if tip.danger is None else yes_no[tip.danger],
        _("reply wanted"): None if tip.reply_wanted is None else yes_no[tip.reply_wanted],
    }
    console.print()
    console.print(_("What the tip says of itself (claims, checked by nobody):"))
    for name, value in claims.items():
        if value is not None:
            console.print(f"  {name}: {make_printable_line(value)}")
    for line in file_lines:
        console.print(f"  {line}")
    console.print()
    console.print(make_printable_text(tip.text))
