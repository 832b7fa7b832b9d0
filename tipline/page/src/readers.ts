// Channels and readers on the page, as the verified keyset has them.

import { byId, copyTemplate, fill, find, formatDay, inLanguage } from "./dom.js";
import type { ChannelView, KeysetView, ReaderView } from "./protocol.js";

function readerRow(reader: ReaderView): HTMLElement {
  const row = copyTemplate("reader-row");
  find(row, "[data-part=name]").textContent = reader.name;
  find(row, "[data-part=unit]").textContent = reader.unit;
  fill(find(row, "[data-part=since]"), { day: formatDay(reader.since) });
  const until = find(row, "[data-part=until]");
  if (reader.until === null) until.remove();
  else fill(until, { day: formatDay(reader.until) });
  const check = find(row, ".check");
  if (reader.optional) {
    const box = find<HTMLInputElement>(check, "input");
    const label = find<HTMLLabelElement>(check, "label");
    box.value = reader.id;
    box.id = `leave-out-${reader.id}`;
    label.htmlFor = box.id;
    fill(label, { name: reader.name });
  } else {
    check.remove();
  }
  return row;
}

function showChannel(channel: ChannelView): void {
  find(byId("readers"), "ul").replaceChildren(...channel.readers.map(readerRow));
  byId("leave-out-hint").hidden = !channel.readers.some((reader) => reader.optional);
  const select = byId<HTMLSelectElement>("category");
  select.length = 1; // keeps "I do not say"
  for (const category of channel.categories) {
    select.add(new Option(inLanguage(category.names), category.id));
  }
  byId("categories").hidden = channel.categories.length === 0;
}

function channelRow(channel: ChannelView): HTMLElement {
  const row = copyTemplate("channel-row");
  const radio = find<HTMLInputElement>(row, "input");
  const label = find<HTMLLabelElement>(row, "label");
  radio.value = channel.id;
  radio.id = `channel-${channel.id}`;
  label.htmlFor = radio.id;
  label.textContent = inLanguage(channel.names);
  radio.addEventListener("change", () => showChannel(channel));
  return row;
}

/** Show the keyset's channels and, of the first or the one chosen before, the readers. */
export function showKeyset(keyset: KeysetView): void {
  const fieldset = byId("channels");
  const before = fieldset.querySelector<HTMLInputElement>("input:checked")?.value;
  fieldset.querySelectorAll("div").forEach((row) => row.remove());
  fieldset.append(...keyset.channels.map(channelRow));
  const chosen = keyset.channels.find(({ id }) => id === before) ?? keyset.channels[0];
  if (chosen === undefined) return;
  byId<HTMLInputElement>(`channel-${chosen.id}`).checked = true;
  showChannel(chosen);
  fill(byId("confirmed"), { day: formatDay(keyset.confirmedOn) });
}
