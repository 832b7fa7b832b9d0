"""A real SMTP server on loopback, and the certificate that it shows."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "line", "correct horse"


class Mailbox:
    """Takes mails, and remembers them and who brought them."""

    def __init__(self, port: int) -> None:
        self.mails: list[Envelope] = []
        self.contents: list[bytes] = []
        self.names: list[str | None] = []
        self.refuses = False
        self.port = port

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take one."""
        if self.refuses:
            return "550 no"
        self.mails.append(envelope)
        assert isinstance(envelope.original_content, bytes)
        self.contents.append(envelope.original_content)
        self.names.append(session.host_name)
        return "250 OK"


def make_certificate(directory: Path) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    paths = directory / "mail.pem", directory / "mail.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def check_login(
    server: Any, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
) -> AuthResult:
    """Let one user in."""
    good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False)


@contextlib.contextmanager
def serve_mailbox(
    *, tls: str = "none", certificate: tuple[Path, Path] | None = None, login: bool = False
) -> Iterator[Mailbox]:
    """Run a server on a free port of loopback, with TLS as the setting of that name says."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    # The controller calls its own server once, so it has to know the port.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    mailbox = Mailbox(port)
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=port,
        ssl_context=context if tls == "tls" else None,
        tls_context=context if tls == "starttls" else None,
        require_starttls=tls == "starttls",
        authenticator=check_login,
        auth_required=login,
        auth_require_tls=tls == "starttls",
    )
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
