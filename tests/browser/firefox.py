"""Firefox ESR by WebDriver BiDi, with Tor Browser's preferences."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.browser.browser import WATCH_VIOLATIONS, Browser
from tests.browser.profiles import PROFILES, QUIET, over_socks
from tests.browser.wire import BrowserError, Wire


class Firefox(Browser):
    """Firefox ESR by WebDriver BiDi, with Tor Browser's preferences."""

    async def _start(self) -> None:
        preferences = QUIET | PROFILES[self.profile] | self.preferences
        if self.socks_port is not None:
            preferences |= over_socks(self.socks_port)
        lines = (
            f"user_pref({json.dumps(key)}, {json.dumps(value)});\n"
            for key, value in preferences.items()
        )
        (self.process.home / "user.js").write_text("".join(lines))
        address = await self.process.start(
            "firefox-esr",
            "--headless",
            "--no-remote",
            "--remote-debugging-port=0",
            "--profile",
            str(self.process.home),
            announces=r"WebDriver BiDi listening on (ws://\S+)",
            environment={
                "MOZ_HEADLESS": "1",
                "MOZ_CRASHREPORTER_DISABLE": "1",
                "MOZ_HEADLESS_WIDTH": "1000",
                "MOZ_HEADLESS_HEIGHT": "800",
            },
        )
        self.wire = await Wire.connect(f"{address}/session")
        await self.wire.ask("session.new", capabilities={})
        events = ["network.beforeRequestSent", "log.entryAdded"]
        await self.wire.ask("session.subscribe", events=events)
        await self.wire.ask(
            "script.addPreloadScript", functionDeclaration=f"() => {{ {WATCH_VIOLATIONS} }}"
        )
        tree = await self.wire.ask("browsingContext.getTree")
        self.tab = tree["contexts"][0]["context"]

    async def _quit(self) -> None:
        await self.wire.ask("browser.close", seconds=10)

    async def open(self, url: str) -> None:
        await self.wire.ask("browsingContext.navigate", context=self.tab, url=url, wait="complete")

    async def _evaluate_json(self, expression: str) -> str | None:
        answer = await self.wire.ask(
            "script.evaluate",
            expression=expression,
            target={"context": self.tab},
            awaitPromise=True,
        )
        if answer["type"] != "success":
            raise BrowserError(answer["exceptionDetails"]["text"])
        return answer["result"].get("value")

    async def _act(self, kind: str, actions: list[dict[str, Any]]) -> None:
        source = {"type": kind, "id": kind, "actions": actions}
        await self.wire.ask("input.performActions", context=self.tab, actions=[source])

    async def _click_at(self, x: float, y: float) -> None:
        await self._act(
            "pointer",
            [
                {"type": "pointerMove", "x": round(x), "y": round(y)},
                {"type": "pointerDown", "button": 0},
                {"type": "pointerUp", "button": 0},
            ],
        )

    async def _press(self, text: str) -> None:
        keys = [character if character != "\n" else "\ue007" for character in text]
        kinds = ("keyDown", "keyUp")
        await self._act("key", [{"type": kind, "value": key} for key in keys for kind in kinds])

    async def set_files(self, selector: str, paths: Sequence[Path]) -> None:
        found = await self.wire.ask(
            "browsingContext.locateNodes",
            context=self.tab,
            locator={"type": "css", "value": selector},
        )
        await self.wire.ask(
            "input.setFiles",
            context=self.tab,
            element={"sharedId": found["nodes"][0]["sharedId"]},
            files=[str(path.resolve()) for path in paths],
        )

    async def resize(self, width: int, height: int) -> None:
        viewport = {"width": width, "height": height}
        await self.wire.ask("browsingContext.setViewport", context=self.tab, viewport=viewport)

    async def _picture(self, *, full: bool) -> str:
        origin = "document" if full else "viewport"
        picture = await self.wire.ask(
            "browsingContext.captureScreenshot", context=self.tab, origin=origin
        )
        return str(picture["data"])

    def requests(self) -> list[tuple[str, str]]:
        return [
            (params["request"]["method"], params["request"]["url"])
            for method, params in self.wire.events
            # Firefox itself loads fonts and pictures of its own from data: and resource:.
            if method == "network.beforeRequestSent"
            and params["request"]["url"].startswith(("http:", "https:"))
        ]
