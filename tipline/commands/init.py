"""`tipline init DIR`: make a new line, and say what comes next."""

from __future__ import annotations

import argparse
from pathlib import Path

from retention.policy import MAX_POLICY_BYTES, Periods, parse_policy
from tipline.clock import system_clock
from tipline.console import Console
from tipline.errors import UsageError
from tipline.files import name_file_errors, read_given
from tipline.instance import init_instance, load_log_signer
from tipline.language import LANGUAGES, Translate, make_translations
from tipline.messages import N_
from tipline.slots import settle_path

EMERGENCY = N_("Nobody reads this at once. If somebody is in danger, call {number}.")


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Make the line.

    Args:
        options: As parsed.
        console: Where to ask and tell.

    Returns:
        0.

    Raises:
        UsageError: something is not given and there is nobody to ask.
        PolicyError: the policy that is given does not hold.
        FileError: the policy that is given cannot be read.
        ConfigurationError: the slot file cannot lie or be sealed as it is asked for.
        SlotError: it cannot be made there.
    """
    _ = console.translate
    root = options.root or _ask(console, "--root", _("The desk root's verifier key: "))
    name = options.name or _ask(console, "--name", _("The line's name as sources read it: "))
    number = options.emergency or _ask(console, "--emergency", _("Whom to call in danger: "))
    settings: dict[str, object] = {"root": root}
    for language in LANGUAGES:
        words = make_translations(language).gettext(EMERGENCY)
        settings[f"line.name.{language}"] = name
        settings[f"line.emergency.{language}"] = words.format(number=number)
    given = {
        "slots.path": options.slots and settle_path(options.slots, options.directory),
        "slots.mirror": options.mirror and settle_path(options.mirror, options.directory),
        "slots.root": options.slot_root,
        "slots.volatile": options.volatile or None,
    }
    settings |= {key: value for key, value in given.items() if value is not None}
    periods = _read_periods(options.policy)
    signer = init_instance(
        options.directory,
        settings=settings,
        periods=periods,
        translate=console.translate,
        today=system_clock().date(),
    )
    verifier = signer.verifier().format()
    log = load_log_signer(options.directory).verifier().format()
    if options.json:
        console.print_json({"directory": str(options.directory), "service": verifier, "log": log})
        return 0
    console.print(_("The line is in {directory}.").format(directory=options.directory))
    console.print()
    console.print(_("Next:"))
    if periods is None:
        path = options.directory / "policy.toml"
        decide = _("Decide in {path} how long things are kept.").format(path=path)
    else:
        decide = _(
            "See what the policy means: tipline policy check {directory}/policy.toml"
        ).format(directory=options.directory)
    steps = _list_next_steps(options.directory, verifier, log, decide=decide, translate=_)
    for number, step in enumerate(steps, start=1):
        console.print(f"{number}. {step}")
    console.print(
        _("The order of all of it, for the desk too: docs/how-to/set-up-a-line.md in the source")
    )
    return 0


def _list_next_steps(
    directory: Path, verifier: str, log: str, *, decide: str, translate: Translate
) -> tuple[str, ...]:
    _ = translate
    return (
        _("Read {path}: every key has a comment.").format(path=directory / "tipline.toml"),
        decide,
        _(
            "Write the key of the desk's networked machine (tipline desk keygen --client there)"
            " into {path}, under desk.clients."
        ).format(path=directory / "tipline.toml"),
        _("Give these two keys to the desk, which names them when it signs a keyset:")
        + f"\n   --service {verifier}\n   --log {log}",
        _("Put the keyset that the desk signed in force: tipline keyset {directory} FILE").format(
            directory=directory
        ),
        _("Look for what is missing: tipline doctor {directory}").format(directory=directory),
        _("Start the line: tipline serve {directory}").format(directory=directory),
        _(
            "Give the desk both addresses that it shows; the desk signs a second keyset, which"
            " names the sources' one (--onion). Put that one in force too."
        ),
    )


def _ask(console: Console, option: str, question: str) -> str:
    if not console.err.isatty():
        raise UsageError("init_missing", option=option)
    console.err.write(question)
    console.err.flush()
    answer = console.input.readline().decode("utf-8", errors="replace").strip()
    if not answer:
        raise UsageError("init_missing", option=option)
    return answer


def _read_periods(path: Path | None) -> Periods | None:
    if path is None:
        return None
    with name_file_errors():
        text = read_given(path, max_bytes=MAX_POLICY_BYTES)
    return parse_policy(text, name=str(path)).periods
