"""
Firefox preferences: Tor Browser's security levels, as far as preferences can say them.

It is Firefox ESR with these preferences, not Tor Browser: no NoScript, none of its patches.
"""

from __future__ import annotations

from typing import Final, Literal

Profile = Literal["standard", "safer", "safest"]
Preferences = dict[str, bool | int | str]

QUIET: Final[Preferences] = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.region.update.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage": "about:blank",
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "browser.topsites.contile.enabled": False,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "media.gmp-manager.url": "data:,",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "network.http.speculative-parallel-limit": 0,
    "network.prefetch-next": False,
    "remote.active-protocols": 1,  # WebDriver BiDi
    "remote.experimental.enabled": True,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "termsofuse.bypassNotification": True,
    "toolkit.cosmeticAnimations.enabled": False,
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "",
}

STANDARD: Final[Preferences] = {
    "browser.privatebrowsing.autostart": True,
    "dom.securecontext.allowlist_onions": True,
    "dom.security.https_only_mode": True,
    "dom.security.https_only_mode.upgrade_onion": False,
    "dom.serviceWorkers.enabled": False,
    "media.peerconnection.enabled": False,
    "permissions.memory_only": True,
    "privacy.firstparty.isolate": True,
    "privacy.resistFingerprinting": True,
    # Tor Browser has it on; it would hold every page at 1000 by 600, and 320 is tested too.
    "privacy.resistFingerprinting.letterboxing": False,
    "webgl.disabled": True,
}

SAFER: Final[Preferences] = {
    **STANDARD,
    "gfx.font_rendering.graphite.enabled": False,
    "gfx.font_rendering.opentype_svg.enabled": False,
    "javascript.options.asmjs": False,
    "javascript.options.baselinejit": False,
    "javascript.options.ion": False,
    "javascript.options.native_regexp": False,
    "javascript.options.wasm": False,
    "mathml.disabled": True,
    "media.webaudio.enabled": False,
}

SAFEST: Final[Preferences] = {**SAFER, "javascript.enabled": False, "svg.disabled": True}

PROFILES: Final[dict[Profile, Preferences]] = {
    "standard": STANDARD,
    "safer": SAFER,
    "safest": SAFEST,
}


def over_socks(port: int) -> Preferences:
    """
    Send everything, names included, through a SOCKS port.

    Args:
        port: On loopback.

    Returns:
        Preferences.
    """
    return {
        "network.dns.blockDotOnion": False,
        "network.proxy.allow_hijacking_localhost": True,
        "network.proxy.failover_direct": False,
        "network.proxy.no_proxies_on": "",
        "network.proxy.socks": "127.0.0.1",
        "network.proxy.socks5_remote_dns": True,
        "network.proxy.socks_port": port,
        "network.proxy.socks_remote_dns": True,
        "network.proxy.socks_version": 5,
        "network.proxy.type": 1,
        "network.trr.mode": 5,
    }
