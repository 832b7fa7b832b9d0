// Small, typed ways to reach what the templates put on the page. Words stay in the HTML.

/** The element with this id; its absence is a fault of the build, not of the source. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  return find<T>(document, `#${id}`);
}

export function find<T extends HTMLElement = HTMLElement>(root: ParentNode, selector: string): T {
  const element = root.querySelector<T>(selector);
  if (element === null) throw new Error(selector);
  return element;
}

/** A copy of what the template with this id holds. */
export function copyTemplate(id: string): HTMLElement {
  const [first] = byId<HTMLTemplateElement>(id).content.children;
  return first?.cloneNode(true) as HTMLElement;
}

/** Put values into the element's translated sentence, `data-text`. Text only, never markup. */
export function fill(element: HTMLElement, values: Readonly<Record<string, string>>): void {
  const sentence = element.dataset["text"];
  if (sentence === undefined) return;
  element.textContent = sentence.replace(
    /\{(\w+)\}/g,
    (slot, name: string) => values[name] ?? slot,
  );
}

/** Of the elements that carry this data attribute, show those that carry this value. */
export function showOnly(root: ParentNode, attribute: string, value: string): void {
  for (const element of root.querySelectorAll<HTMLElement>(`[data-${attribute}]`)) {
    element.hidden = element.dataset[attribute] !== value;
  }
}

const language = document.documentElement.lang;
// Day before month: 3/5 and 5/3 are then never mixed up, whatever English the reader speaks.
const locale = language === "en" ? "en-GB" : language;

/** The text in the page's language. */
export function inLanguage(names: Readonly<Record<string, string>>): string {
  return names[language] ?? names["en"] ?? "";
}

/** A day of the keyset, in words. */
export function formatDay(day: string): string {
  const format = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeZone: "UTC" });
  return format.format(new Date(`${day}T00:00:00Z`));
}

/** A part of a whole, from 0 to 1, in words. */
export function formatPart(part: number): string {
  return new Intl.NumberFormat(locale, { style: "percent" }).format(part);
}

export function formatSize(bytes: number): string {
  const format = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  if (bytes < 1024) return `${format.format(bytes)} B`;
  if (bytes < 1024 ** 2) return `${format.format(bytes / 1024)} KiB`;
  if (bytes < 1024 ** 3) return `${format.format(bytes / 1024 ** 2)} MiB`;
  return `${format.format(bytes / 1024 ** 3)} GiB`;
}
