"""Chromium by the DevTools protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.browser.browser import WATCH_VIOLATIONS, Browser
from tests.browser.wire import BrowserError, Wire

LOAD_SECONDS = 90


class Chromium(Browser):
    """Chromium by the DevTools protocol; "safer" switches its JIT off, "safest" its scripts."""

    async def _start(self) -> None:
        flags = ["--js-flags=--jitless"] if self.profile == "safer" else []
        if self.socks_port is not None:
            flags.append(f"--proxy-server=socks5://127.0.0.1:{self.socks_port}")
        # Nothing but the proxy and loopback is reachable: no name is ever asked for.
        flags.append("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1")
        address = await self.process.start(
            "chromium",
            "--headless=new",
            "--no-sandbox",  # the tests may run as root, where Chromium's sandbox cannot
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            # A window that nobody sees goes on painting and keeps its timers.
            "--disable-renderer-backgrounding",
            "--disable-backgrounding-occluded-windows",
            "--disable-background-timer-throttling",
            "--remote-debugging-port=0",
            f"--user-data-dir={self.process.home / 'profile'}",
            *flags,
            "about:blank",
            announces=r"DevTools listening on (ws://\S+)",
            environment={},
        )
        self.wire = await Wire.connect(address)
        targets = await self.wire.ask("Target.getTargets")
        page = next(target for target in targets["targetInfos"] if target["type"] == "page")
        attached = await self.wire.ask(
            "Target.attachToTarget", targetId=page["targetId"], flatten=True
        )
        self.tab = attached["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            await self.ask(f"{domain}.enable")
        await self.ask("Page.addScriptToEvaluateOnNewDocument", source=WATCH_VIOLATIONS)
        # A worker's requests are told on its own session.
        await self.ask(
            "Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=True, flatten=True
        )
        self._attaching = asyncio.create_task(self._attach_workers())
        if self.profile == "safest":
            await self.ask("Emulation.setScriptExecutionDisabled", value=True)

    async def _attach_workers(self) -> None:
        async for params in self.wire.follow("Target.attachedToTarget", seen=0):
            if params["waitingForDebugger"]:
                worker = params["sessionId"]
                await self.wire.ask("Network.enable", about=worker)
                await self.wire.ask("Runtime.runIfWaitingForDebugger", about=worker)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """
        Run one command of the DevTools protocol on the tab.

        Args:
            method: Its name.
            params: Its parameters.

        Returns:
            Its result.
        """
        return await self.wire.ask(method, about=self.tab, **params)

    async def _quit(self) -> None:
        self._attaching.cancel()
        await asyncio.gather(self._attaching, return_exceptions=True)
        await self.wire.ask("Browser.close", seconds=10)

    async def open(self, url: str) -> None:
        seen = len(self.wire.events)
        answer = await self.ask("Page.navigate", url=url)
        if "errorText" in answer:
            raise BrowserError(answer["errorText"])
        async with asyncio.timeout(LOAD_SECONDS):
            await anext(self.wire.follow("Page.loadEventFired", seen=seen))

    async def _evaluate_json(self, expression: str) -> str | None:
        answer = await self.ask(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    async def _click_at(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            await self.ask(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    async def _press(self, text: str) -> None:
        await self.ask("Input.insertText", text=text)

    async def set_files(self, selector: str, paths: Sequence[Path]) -> None:
        found = await self.ask(
            "Runtime.evaluate", expression=f"document.querySelector({json.dumps(selector)})"
        )
        await self.ask(
            "DOM.setFileInputFiles",
            objectId=found["result"]["objectId"],
            files=[str(path.resolve()) for path in paths],
        )

    async def resize(self, width: int, height: int) -> None:
        await self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    async def _picture(self, *, full: bool) -> str:
        picture = await self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=full)
        return str(picture["data"])

    def requests(self) -> list[tuple[str, str]]:
        return [
            (params["request"]["method"], params["request"]["url"])
            for method, params in self.wire.events
            # Chromium draws its own date and file fields from data: addresses.
            if method == "Network.requestWillBeSent"
            and params["request"]["url"].startswith(("http:", "https:"))
        ]
