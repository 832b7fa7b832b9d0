// Channels and readers on the page, as the verified keyset has them, and whom the source leaves out.
//
// A wish outlives the list it was made on: whom the source left out never comes back in silence.

import { byId, copyTemplate, fill, find, formatDay, inLanguage } from "./dom.js";
import type { ChannelView, KeysetView, ReaderView } from "./protocol.js";

function unmetRow(template: string, name: string): HTMLElement {
  const row = copyTemplate(template);
  fill(row, { name });
  return row;
}

/** Who a tip is for, and who of them shall not open it. */
export class ReaderChoice {
  /** The channel chosen last, as the source saw it then. */
  #seen: ChannelView | undefined;
  /** By id, the names under which the source left them out: in every channel, as it is about them. */
  readonly #leftOut = new Map<string, string>();
  readonly #channels = byId("channels");
  readonly #fault = byId("channel-fault");
  readonly #unmet = byId("unmet");
  readonly #readers = byId("readers");
  readonly #list = find(this.#readers, "ul");
  readonly #category = byId<HTMLSelectElement>("category");

  /**
   * Show the channels and, of the one chosen before, the readers; at first of the first one.
   *
   * Where the source's choice no longer holds, no channel is chosen: the form does not go out
   * before the source has chosen again.
   */
  show(keyset: KeysetView): void {
    const wanted = this.#seen?.id ?? keyset.channels[0]?.id;
    const channel = keyset.channels.find(({ id }) => id === wanted);
    this.#channels.querySelectorAll(".check").forEach((row) => row.remove());
    this.#unmet.before(...keyset.channels.map((each) => this.#channelRow(each)));
    fill(byId("confirmed"), { day: formatDay(keyset.confirmedOn) });
    this.#unmet.replaceChildren();
    if (channel === undefined || this.#showUnmet(channel)) {
      this.#askAgain(true);
    } else {
      byId<HTMLInputElement>(`channel-${channel.id}`).checked = true;
      this.#showChannel(channel);
    }
  }

  /** Forget what was chosen. Reaches for nothing on the page: it may be gone already. */
  clear(): void {
    this.#seen = undefined;
    this.#leftOut.clear();
    this.#unmet.replaceChildren();
    this.#list.replaceChildren();
    this.#category.length = 1;
  }

  #askAgain(isOpen: boolean): void {
    this.#fault.hidden = !isOpen;
    this.#readers.hidden = isOpen;
  }

  /** Say which wishes this channel does not meet; is there one that it met when last seen? */
  #showUnmet(channel: ChannelView): boolean {
    const seen = channel.id === this.#seen?.id ? this.#seen.readers : [];
    const rows: HTMLElement[] = [];
    let isLost = false;
    for (const [id, name] of this.#leftOut) {
      const reader = channel.readers.find((other) => other.id === id);
      const before = seen.find((other) => other.id === id);
      if (reader?.optional === false) {
        rows.push(unmetRow("unmet-fixed", reader.name));
        isLost ||= before?.optional !== false;
      } else if (before !== undefined && reader?.name !== name) {
        rows.push(unmetRow("unmet-gone", name));
        isLost = true;
      }
    }
    this.#unmet.replaceChildren(...rows);
    return isLost;
  }

  #choose(channel: ChannelView): void {
    this.#showUnmet(channel);
    this.#showChannel(channel);
  }

  #showChannel(channel: ChannelView): void {
    const category = channel.id === this.#seen?.id ? this.#category.value : "";
    this.#seen = channel;
    this.#askAgain(false);
    this.#list.replaceChildren(...channel.readers.map((reader) => this.#readerRow(reader)));
    byId("leave-out-hint").hidden = !channel.readers.some((reader) => reader.optional);
    this.#category.length = 1; // keeps "I do not say"
    for (const { id, names } of channel.categories) {
      this.#category.add(new Option(inLanguage(names), id, false, id === category));
    }
    byId("categories").hidden = channel.categories.length === 0;
  }

  #channelRow(channel: ChannelView): HTMLElement {
    const row = copyTemplate("channel-row");
    const radio = find<HTMLInputElement>(row, "input");
    const label = find<HTMLLabelElement>(row, "label");
    radio.value = channel.id;
    radio.id = `channel-${channel.id}`;
    label.htmlFor = radio.id;
    label.textContent = inLanguage(channel.names);
    radio.addEventListener("change", () => this.#choose(channel));
    return row;
  }

  #readerRow(reader: ReaderView): HTMLElement {
    const row = copyTemplate("reader-row");
    find(row, "[data-part=name]").textContent = reader.name;
    find(row, "[data-part=unit]").textContent = reader.unit;
    fill(find(row, "[data-part=since]"), { day: formatDay(reader.since) });
    const until = find(row, "[data-part=until]");
    if (reader.until === null) until.remove();
    else fill(until, { day: formatDay(reader.until) });
    const check = find(row, ".check");
    if (reader.optional) this.#offerToLeaveOut(reader, check);
    else check.remove();
    return row;
  }

  #offerToLeaveOut(reader: ReaderView, check: HTMLElement): void {
    const box = find<HTMLInputElement>(check, "input");
    const label = find<HTMLLabelElement>(check, "label");
    box.value = reader.id;
    box.id = `leave-out-${reader.id}`;
    box.checked = this.#leftOut.has(reader.id);
    if (box.checked) this.#leftOut.set(reader.id, reader.name);
    box.addEventListener("change", () => {
      if (box.checked) this.#leftOut.set(reader.id, reader.name);
      else this.#leftOut.delete(reader.id);
    });
    label.htmlFor = box.id;
    fill(label, { name: reader.name });
  }
}
