"""`tipline mail DIR`: show the daily mail to the staff, and try its settings."""

from __future__ import annotations

import argparse

from tipline.clock import system_clock
from tipline.configuration import load_configuration
from tipline.console import Console
from tipline.errors import InstanceError
from tipline.language import make_translations
from tipline.mail import compose_mail, send_mail


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Show or send the mail.

    Args:
        options: As parsed.
        console: Where to tell.

    Returns:
        0.

    Raises:
        InstanceError: `mail_unset`, `mail_file`.
        NetworkError: the server does not take it.
        PermissionsError: others can read the password.
    """
    _ = console.translate
    settings = load_configuration(options.directory).mail
    if not (settings.server and settings.sender and settings.to):
        raise InstanceError("mail_unset")
    translate = make_translations(settings.language).gettext
    message = compose_mail(settings, on=system_clock().date(), translate=translate)
    if not options.test:
        console.print(message.decode("utf-8").replace("\r\n", "\n").rstrip("\n"))
        if not settings.enabled:
            console.say(_("The daily mail is switched off: mail.enabled is false."))
        return 0
    send_mail(settings, message, options.directory)
    console.say(
        _("The server took the mail: {server}. Look whether it arrives.").format(
            server=settings.server
        )
    )
    return 0
