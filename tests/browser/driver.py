"""
Drive Debian's Firefox ESR and Chromium, with no driver program between.

    async with Firefox(profile="safer", socks_port=9050) as browser:
        await browser.open(url)
        await browser.type("#text", "words")
        await browser.set_files("#files", [path])
        await browser.click("#send")
        await browser.until("!document.querySelector('[data-state=arrived]').hidden")

Clicks and keys are real ones: they go where a finger would, and only to what can be seen.
"""

from tests.browser.browser import Browser
from tests.browser.chromium import Chromium
from tests.browser.firefox import Firefox
from tests.browser.profiles import Profile
from tests.browser.wire import BrowserError

__all__ = ["Browser", "BrowserError", "Chromium", "Firefox", "Profile"]
