"""
The daily mail to the staff: it says "look at the desk", and nothing else.

Rules:
1. Its words and its length are the same on every day, whether there is something or not. Nothing
   but the day and a random number in it changes, and both always have the same width.
2. It names neither the line nor this machine, in the mail or in what is said to the server.
3. It is tried once. Who counts tries would see when something was wrong, and nothing else; who
   sees a second mail would ask what was different on that day.

Limitations: whoever runs the server, and the networks between, see that this machine sends such a
mail, and where it stands.
"""

from __future__ import annotations

import contextlib
import datetime
import email.policy
import email.utils
import smtplib
import ssl
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from crypto.randomness import RandomSource, system_random
from crypto.secret import Secret
from tipline.configuration import MailSettings, MailTls
from tipline.errors import InstanceError, NetworkError
from tipline.files import check_private
from tipline.language import Translate

TIMEOUT_SECONDS: Final = 30.0
NUMBER_BYTES: Final = 16
MAX_PASSWORD_BYTES: Final = 1024
# What we call ourselves: smtplib would say this machine's own name.
OWN_NAME: Final = "localhost"

SendMail = Callable[[MailSettings, bytes, Path], None]


def compose_mail(
    settings: MailSettings,
    *,
    on: datetime.date,
    translate: Translate,
    random: RandomSource = system_random,
) -> bytes:
    """
    Write the mail of a day.

    Args:
        settings: From whom, to whom, and at what hour.
        on: The day.
        translate: Looks a text up in the catalogue of the mail's language.
        random: Where the mail's number comes from.

    Returns:
        Headers and text; of the same length on every day.
    """
    _ = translate
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"] = settings.sender
    mail["To"] = ", ".join(settings.to)
    mail["Subject"] = _("Daily reminder")
    # The hour that is configured, not the moment at which it is sent.
    at = datetime.datetime.combine(on, datetime.time(settings.hour), tzinfo=datetime.UTC)
    mail["Date"] = email.utils.format_datetime(at)
    domain = settings.sender.partition("@")[2]
    mail["Message-ID"] = f"<{random(NUMBER_BYTES).hex()}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    text = _(
        "Please look at the desk today. This mail comes every day at the same hour, and is always"
        " the same. It does not say whether there is something. If it does not come one day, ask"
        " the operator."
    )
    mail.set_content(text + "\n", cte="quoted-printable")
    return mail.as_bytes()


def send_mail(settings: MailSettings, message: bytes, directory: Path) -> None:
    """
    Hand a mail to the server; tried once.

    Args:
        settings: The server, and who asks it.
        message: As `compose_mail` wrote it.
        directory: The instance: relative paths in the settings begin there.

    Raises:
        NetworkError: `mail_unreachable`, `mail_tls`, `mail_login`, `mail_refused`.
        InstanceError: `mail_file`: the password or the certificate cannot be read.
        PermissionsError: others can read the password.
    """
    password = _read_password(settings, directory)
    context = _make_context(settings, directory)
    with _name_errors(settings), _connect(settings, context) as server:
        server.ehlo_or_helo_if_needed()
        if settings.tls is MailTls.STARTTLS:
            # smtplib raises if the server does not offer it: nothing goes in clear then.
            server.starttls(context=context)
        if password is not None:
            server.login(settings.user, password.reveal().decode("utf-8"))
        refused = server.sendmail(settings.sender, list(settings.to), message)
        if refused:
            raise NetworkError("mail_refused", server=settings.server)


def _connect(settings: MailSettings, context: ssl.SSLContext) -> smtplib.SMTP:
    if settings.tls is MailTls.TLS:
        return smtplib.SMTP_SSL(
            settings.server,
            settings.port,
            local_hostname=OWN_NAME,
            timeout=TIMEOUT_SECONDS,
            context=context,
        )
    return smtplib.SMTP(
        settings.server, settings.port, local_hostname=OWN_NAME, timeout=TIMEOUT_SECONDS
    )


def _make_context(settings: MailSettings, directory: Path) -> ssl.SSLContext:
    if not settings.authority:
        return ssl.create_default_context()
    path = directory / settings.authority
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as exc:  # ssl's own errors are of this class, too
        raise InstanceError("mail_file", path=str(path)) from exc


def _read_password(settings: MailSettings, directory: Path) -> Secret | None:
    if not settings.password_file:
        return None
    path = directory / settings.password_file
    try:
        check_private(path)
        with path.open("rb") as file:
            content = file.read(MAX_PASSWORD_BYTES + 1).removesuffix(b"\n")
        content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise InstanceError("mail_file", path=str(path)) from exc
    if not 0 < len(content) <= MAX_PASSWORD_BYTES or b"\n" in content:
        raise InstanceError("mail_file", path=str(path))
    return Secret(content)


@contextlib.contextmanager
def _name_errors(settings: MailSettings) -> Iterator[None]:
    # What the server answered is not shown: it may quote addresses, and is nobody's text.
    try:
        yield
    except smtplib.SMTPAuthenticationError as exc:
        raise NetworkError("mail_login", server=settings.server) from exc
    except smtplib.SMTPNotSupportedError as exc:
        code = "mail_tls" if settings.tls is MailTls.STARTTLS else "mail_login"
        raise NetworkError(code, server=settings.server) from exc
    except (smtplib.SMTPConnectError, smtplib.SMTPServerDisconnected) as exc:
        raise NetworkError("mail_unreachable", server=settings.server) from exc
    except smtplib.SMTPException as exc:
        raise NetworkError("mail_refused", server=settings.server) from exc
    except ssl.SSLError as exc:
        raise NetworkError("mail_tls", server=settings.server) from exc
    except (OSError, UnicodeError) as exc:  # a name that cannot be one is an error of the second
        raise NetworkError("mail_unreachable", server=settings.server) from exc
