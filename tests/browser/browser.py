"""What every browser can be asked to do, whatever protocol it speaks."""

from __future__ import annotations

import abc
import asyncio
import base64
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from tests.browser.process import Process
from tests.browser.profiles import Preferences, Profile
from tests.browser.wire import BrowserError, Wire

LOOK_AGAIN_SECONDS = 0.05
SETTLE_ATTEMPTS = 20
PAINT_MILLISECONDS = 500  # two frames take 33 where frames are drawn at all

# Kept by the browser from before the page's own script: what its policies refused.
WATCH_VIOLATIONS = """
globalThis.refusedByPolicy = [];
document.addEventListener("securitypolicyviolation", (event) =>
  refusedByPolicy.push(`${event.effectiveDirective} ${event.blockedURI}`));
"""


class Browser(abc.ABC):
    """
    A running browser with one tab.

    Args:
        profile: Tor Browser's security level, as far as this browser has it.
        socks_port: On loopback, if all traffic goes through one.
        preferences: Of Firefox, on top of the profile.
    """

    def __init__(
        self,
        *,
        profile: Profile = "standard",
        socks_port: int | None = None,
        preferences: Preferences | None = None,
    ) -> None:
        self.profile = profile
        self.preferences = preferences or {}
        self.socks_port = socks_port
        self.process = Process()
        self.wire: Wire

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self.process.stop()
            raise
        return self

    async def __aexit__(self, *_exc: object) -> None:
        try:
            await self._quit()
        except (BrowserError, TimeoutError):
            pass  # it went away before it answered: stop() sees to the rest
        finally:
            await self.wire.close()
            await self.process.stop()

    @abc.abstractmethod
    async def _start(self) -> None: ...

    @abc.abstractmethod
    async def _quit(self) -> None: ...

    @abc.abstractmethod
    async def _evaluate_json(self, expression: str) -> str | None: ...

    @abc.abstractmethod
    async def _click_at(self, x: float, y: float) -> None: ...

    @abc.abstractmethod
    async def _press(self, text: str) -> None: ...

    @abc.abstractmethod
    async def open(self, url: str) -> None:
        """
        Open a page and wait until it has loaded.

        Args:
            url: Where.
        """

    @abc.abstractmethod
    async def set_files(self, selector: str, paths: Sequence[Path]) -> None:
        """
        Choose files in a file input.

        Args:
            selector: Of the input.
            paths: The files.
        """

    @abc.abstractmethod
    async def resize(self, width: int, height: int) -> None:
        """
        Give the page another size.

        Args:
            width: In CSS pixels.
            height: In CSS pixels.
        """

    @abc.abstractmethod
    async def _picture(self, *, full: bool) -> str: ...

    async def screenshot(self, path: Path, *, full: bool = False) -> None:
        """
        Take a picture.

        Args:
            path: A PNG file.
            full: The whole page, not only what is in view.
        """
        picture = base64.b64decode(await self._picture(full=full))
        await asyncio.to_thread(path.write_bytes, picture)

    @abc.abstractmethod
    def requests(self) -> list[tuple[str, str]]:
        """
        List what was asked of the network so far, in order.

        Returns:
            Method and address.
        """

    async def evaluate(self, expression: str) -> Any:
        """
        Evaluate JavaScript in the page; this works where the page's own scripts are off, too.

        Args:
            expression: Of JavaScript; a promise is awaited.

        Returns:
            Its value, as JSON can carry it.

        Raises:
            BrowserError: it threw.
        """
        answer = await self._evaluate_json(
            f"(() => {{ const value = ({expression});"
            " return value instanceof Promise ? value.then((it) => JSON.stringify(it))"
            " : JSON.stringify(value); })()"
        )
        return None if answer is None else json.loads(answer)

    async def until(self, condition: str, *, seconds: float = 30) -> Any:
        """
        Wait until an expression is true.

        Args:
            condition: Of JavaScript.
            seconds: How long at most.

        Returns:
            Its value.

        Raises:
            TimeoutError: it never was; the text on the page is in the message.
        """
        end = time.monotonic() + seconds
        while not (value := await self.evaluate(condition)):
            if time.monotonic() > end:
                text = await self.evaluate("document.body.innerText")
                raise TimeoutError(f"never true: {condition}\n{text}")
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return value

    async def text(self, selector: str = "body") -> str:
        """
        Read what a person sees.

        Args:
            selector: Of an element.

        Returns:
            Its text, without what is hidden.
        """
        return str(await self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    async def click(self, selector: str) -> None:
        """
        Click in the middle of an element.

        Args:
            selector: Of the element.

        Raises:
            BrowserError: it is not there, not in view, or something lies over it.
        """
        quoted = json.dumps(selector)
        place = f"""(() => {{
          const element = document.querySelector({quoted});
          if (element === null) throw new Error("not there");
          element.scrollIntoView({{ block: "center" }});
          const box = element.getBoundingClientRect();
          return [box.x + box.width / 2, box.y + box.height / 2];
        }})()"""
        x, y = await self.evaluate(place)
        # A click goes to what was painted last; scrolling is painted later, and a field that was
        # typed into scrolls once more by itself.
        for _attempt in range(SETTLE_ATTEMPTS):
            await self._settle()
            before, (x, y) = (x, y), await self.evaluate(place)
            if before == (x, y):
                break
        covered_by = await self.evaluate(
            f"""(() => {{
              const element = document.querySelector({quoted});
              const top = document.elementFromPoint({x}, {y});
              const isFree = top !== null && (element.contains(top) || top.contains(element));
              return isFree ? "" : (top?.outerHTML.slice(0, 80) ?? "nothing: it is out of view");
            }})()"""
        )
        if covered_by:
            raise BrowserError(f"{selector} is covered by {covered_by}")
        await self._click_at(x, y)

    async def _settle(self) -> None:
        if self.profile == "safest":
            await self._picture(full=False)  # no callback runs there; a picture is painted first
        else:
            # A browser without a screen may stop painting when nothing changes; whoever asks looks
            # at the place itself afterwards, so this waits no longer than it helps.
            await self.evaluate(
                "new Promise((painted) => {"
                " requestAnimationFrame(() => requestAnimationFrame(() => painted(true)));"
                f" setTimeout(() => painted(false), {PAINT_MILLISECONDS}); }})"
            )

    async def type(self, selector: str, text: str) -> None:
        """
        Type into a field.

        Args:
            selector: Of the field.
            text: What to type.
        """
        await self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        await self._press(text)

    async def violations(self) -> list[str]:
        """
        List what the page's policies refused on this page.

        Returns:
            Directive and address of each.
        """
        return list(await self.evaluate("globalThis.refusedByPolicy ?? []"))
