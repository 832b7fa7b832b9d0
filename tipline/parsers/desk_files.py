"""`tipline desk view` and `export`: a tip's files, as pixels or cleaned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tipline.language import Translate

if TYPE_CHECKING:
    from tipline.parsers import Commands


def register(parts: Commands, translate: Translate) -> None:
    """
    Add the parsers.

    Args:
        parts: Where they are added.
        translate: Looks a text up in the catalogue.
    """
    _ = translate
    view = parts.add_parser(
        "view",
        help=_("look at a tip's files as pixels"),
        # PROMISE: P-31
        description=_(
            "Make pictures of what a tip's files show, one for each page, as PNG: of images, PDF"
            " and office documents. A text becomes a text in which hidden characters are"
            " written out. Each file is opened in a sandbox: without network, without your disk,"
            " with bounded memory and time. What is in the file besides what can be seen does not"
            " come out. Where no sandbox can be made, nothing is opened."
        ),
        epilog=_(
            "With --out seen it makes seen/files-01/page-001.png and so on. It ends with 0 if every"
            " page is shown, with 50 if not, and says which and why. All pages of one run fill"
            " 2 GiB at most."
        ),
    )
    view.add_argument("id", metavar=_("ID"), help=_("the tip's id, or how it begins"))
    view.add_argument(
        # Not behind ID: argparse takes none there that stands behind an option.
        "--file",
        dest="files",
        metavar=_("FILE"),
        action="append",
        default=[],
        help=_(
            "one file as tipline desk show names it, such as files/01.pdf; it may stand several"
            " times; all of them if none is named"
        ),
    )
    view.add_argument(
        "--vault", metavar=_("DIR"), type=Path, required=True, help=_("the vault's directory")
    )
    view.add_argument(
        "--out",
        metavar=_("DIR"),
        type=Path,
        required=True,
        help=_("a new directory for the pictures"),
    )
    view.add_argument(
        "--first",
        metavar=_("PAGE"),
        type=int,
        default=1,
        help=_("begin at this page; at most 200 are shown at once"),
    )
    view.add_argument("--json", action="store_true", help=_("print JSON"))
    view.set_defaults(run="desk_files.run_view")

    export = parts.add_parser(
        "export",
        help=_("copy a tip's files, cleaned"),
        description=_(
            "Copy a tip's text and its files out of the vault, into a new directory. Each file is"
            " cleaned again, in a sandbox, whatever the tip says of it. What cannot be cleaned, and"
            " untouched originals, stay in the vault."
        ),
        epilog=_(
            "It ends with 49 if a file cannot be cleaned and was left in the vault. To see such a"
            " file, use tipline desk view."
        ),
    )
    export.add_argument("id", metavar=_("ID"), help=_("the tip's id, or how it begins"))
    export.add_argument(
        "--vault", metavar=_("DIR"), type=Path, required=True, help=_("the vault's directory")
    )
    export.add_argument(
        "--out", metavar=_("DIR"), type=Path, required=True, help=_("the new directory")
    )
    export.add_argument(
        "--untouched",
        action="store_true",
        help=_(
            "copy what is not cleaned as well, as it came, into the folder untouched: it may tell"
            " who the source is"
        ),
    )
    export.add_argument("--json", action="store_true", help=_("print JSON"))
    export.set_defaults(run="desk_files.run_export")
