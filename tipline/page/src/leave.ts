// "Leave now": what was written goes out of this tab before anything else happens.

import { byId } from "./dom.js";

/** Wipe, then replace this page, so that "back" does not bring it again. */
export function watchLeave(wipe: () => void): void {
  const link = byId<HTMLAnchorElement>("leave");
  link.addEventListener("click", (event) => {
    event.preventDefault();
    wipe();
    // Gone from the screen at once: over Tor the next page takes seconds.
    document.body.replaceChildren();
    location.replace(link.href);
  });
  // Any other way out, and a page that the browser had kept for "back".
  addEventListener("pagehide", wipe);
  addEventListener("pageshow", (event) => {
    if (event.persisted) wipe();
  });
}
