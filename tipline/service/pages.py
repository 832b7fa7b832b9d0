"""
The source's page as bytes that are ready to send.

1. Everything is rendered and compressed once, at start: the same bytes go to everybody.
2. A path, never a header of the request, chooses the language. Nothing is negotiated but the
   compression, and nothing in a page depends on who asks.
3. Nothing may run or load but what `static/build.json` names: see `PROTECTION`.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import brotli
import jinja2

from tipline.configuration import Configuration
from tipline.errors import InstanceError
from tipline.language import LANGUAGES, make_translations

STATIC_DIRECTORY: Final = Path(__file__).parent.parent / "static"
TEMPLATE_DIRECTORY: Final = Path(__file__).parent.parent / "page" / "templates"

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        # One policy, which lets through one literal address; 'none' would block the worker.
        "trusted-types tipline-worker",
    )
)

PROTECTION: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-DNS-Prefetch-Control": "off",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": (
            "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(),"
            " gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(),"
            " publickey-credentials-get=(), screen-wake-lock=(), usb=(), xr-spatial-tracking=()"
        ),
    }
)
ACCOUNT_PATH: Final = "/accountability"
NO_STORE: Final = "no-store"
# The name holds the content's hash, so what is under it never changes.
IMMUTABLE: Final = "public, max-age=31536000, immutable"

# In the language itself; they are never translated.
LANGUAGE_NAMES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {"own_name": "English", "word": "Language", "account": "What is kept"},
        "es": {"own_name": "Español", "word": "Idioma", "account": "Qué se guarda"},
        "pt": {"own_name": "Português", "word": "Língua", "account": "O que se guarda"},
    }
)
RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur"})

CONTENT_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
    }
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """
    What one path answers, in each compression.

    Args:
        headers: Complete but for Content-Encoding and Content-Length.
        bodies: By content coding: `identity`, and `gzip` and `br` where it is compressed.
    """

    headers: Mapping[str, str]
    bodies: Mapping[str, bytes]

    def choose(self, untrusted_accept_encoding: str) -> str:
        """
        Choose the coding to answer with.

        Args:
            untrusted_accept_encoding: The request's header, or an empty text.

        Returns:
            A key of `bodies`: the smallest that the client names without forbidding it.
        """
        named = set()
        for wish in untrusted_accept_encoding.lower().split(","):
            coding, _, weight = wish.partition(";")
            if weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}:
                named.add(coding.strip())
        offered = (coding for coding in ("br", "gzip") if coding in named & self.bodies.keys())
        return next(offered, "identity")


def make_page(body: bytes, *, suffix: str, cache_control: str, **more_headers: str) -> Page:
    """
    Prepare one answer.

    Args:
        body: As it is.
        suffix: Of the file, with its dot: a key of `CONTENT_TYPES`.
        cache_control: `NO_STORE` or `IMMUTABLE`.
        more_headers: With underscores for hyphens.

    Returns:
        The page.
    """
    extra = {name.replace("_", "-"): value for name, value in more_headers.items()}
    return Page(
        headers=MappingProxyType(
            {
                "Content-Type": CONTENT_TYPES[suffix],
                "Cache-Control": cache_control,
                "Vary": "Accept-Encoding",
                **PROTECTION,
                **extra,
            }
        ),
        bodies=MappingProxyType(
            {
                "identity": body,
                # No time in the header: the same bytes after every start.
                "gzip": gzip.compress(body, compresslevel=9, mtime=0),
                "br": brotli.compress(body, quality=11),
            }
        ),
    )


def load_pages(
    *,
    configuration: Configuration,
    demonstration: bool = False,
    static_directory: Path = STATIC_DIRECTORY,
) -> Mapping[str, Page]:
    """
    Render the page in every language and read what it loads.

    Args:
        configuration: The line's name, emergency text, desk root and lowest keyset number.
        demonstration: Say on every screen that this is not for real tips.
        static_directory: Where `tipline/page/build.mjs` has built to.

    Returns:
        By path: `/`, `/en/`, `/en/leave`, ..., `/static/NAME`; and `/accountability`, from which
        the language is chosen.

    Raises:
        InstanceError: the page is not built, or a built file is not what `build.json` says.
    """
    build = _read_build(static_directory)
    pages: dict[str, Page] = {}
    for entry in build["files"].values():
        body = (static_directory / entry["name"]).read_bytes()
        if hashlib.sha256(body).hexdigest() != entry["sha256"]:
            raise InstanceError("page_changed", name=entry["name"])
        pages[f"/static/{entry['name']}"] = make_page(
            body, suffix=Path(entry["name"]).suffix, cache_control=IMMUTABLE
        )
    renderer = PageRenderer(
        configuration=configuration, demonstration=demonstration, static_directory=static_directory
    )
    for language in LANGUAGES:
        pages[f"/{language}/"] = make_page(
            renderer.render("page.html", language=language), suffix=".html", cache_control=NO_STORE
        )
        pages[f"/{language}/leave"] = make_page(
            renderer.render("leave.html", language=language),
            suffix=".html",
            cache_control=NO_STORE,
            Clear_Site_Data='"cache", "cookies", "storage"',
        )
    for path, target in (("/", ""), (ACCOUNT_PATH, ACCOUNT_PATH.removeprefix("/"))):
        pages[path] = make_page(
            renderer.render("languages.html", language="en", target=target),
            suffix=".html",
            cache_control=NO_STORE,
        )
    return MappingProxyType(pages)


class PageRenderer:
    """
    Renders templates.

    Args:
        configuration: The line's name, emergency text, desk root and lowest keyset number.
        demonstration: Say on every screen that this is not for real tips.
        static_directory: Where `tipline/page/build.mjs` has built to.

    Raises:
        InstanceError: the page is not built.
    """

    def __init__(
        self,
        *,
        configuration: Configuration,
        demonstration: bool = False,
        static_directory: Path = STATIC_DIRECTORY,
    ) -> None:
        build = _read_build(static_directory)
        self._configuration = configuration
        self._facts = {
            "demonstration": demonstration,
            "languages": LANGUAGE_NAMES,
            "root": configuration.root.format(),
            "keyset_minimum": configuration.keyset_minimum,
            "build": build["build"],
            "static": lambda name: f"/static/{build['files'][name]['name']}",
            "account_path": ACCOUNT_PATH,
        }
        self._environments = {language: _make_environment(language) for language in LANGUAGES}

    def render(self, template: str, *, language: str, **facts: Any) -> bytes:
        """
        Render a template.

        Args:
            template: Its file's name.
            language: One of `LANGUAGES`.
            facts: Besides those that every page has.

        Returns:
            HTML.
        """
        return (
            self._environments[language]
            .get_template(template)
            .render(
                **self._facts,
                language=language,
                direction="rtl" if language in RIGHT_TO_LEFT else "ltr",
                name=self._configuration.name[language],
                emergency=self._configuration.emergency[language],
                **facts,
            )
            .encode()
        )


def _read_build(static_directory: Path) -> Any:
    try:
        return json.loads((static_directory / "build.json").read_bytes())
    except FileNotFoundError as exc:
        raise InstanceError("page_not_built") from exc


def _make_environment(language: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE_DIRECTORY),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # The i18n extension adds this method when it is loaded.
    environment.install_gettext_translations(  # type: ignore[attr-defined]
        make_translations(language), newstyle=False
    )
    return environment
