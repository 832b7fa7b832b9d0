// The list of attachments: what was found in each, what the source decides, and its own way out.

import type { ChosenFile, Look } from "./attachment.js";
import { byId, copyTemplate, fill, find, formatPart, formatSize, showOnly } from "./dom.js";

type Seen = Look | { readonly state: "looking" } | { readonly state: "unreadable" };

/** One file of the list, and its row on the page. */
class Row {
  readonly element = copyTemplate("file-row");
  readonly #original: HTMLInputElement;
  readonly #consent: HTMLInputElement;
  #seen: Seen = { state: "looking" };

  constructor(
    readonly id: number,
    readonly file: File,
    remove: () => void,
  ) {
    find(this.element, "[data-part=name]").textContent = file.name;
    find(this.element, "[data-part=size]").textContent = formatSize(file.size);
    // Labels and descriptions find their field by its id, and the page has this row many times.
    for (const attribute of ["id", "for", "aria-describedby", "aria-labelledby"]) {
      for (const element of this.element.querySelectorAll(`[${attribute}]`)) {
        const words = element.getAttribute(attribute)?.split(" ") ?? [];
        element.setAttribute(attribute, words.map((word) => `${word}-${id}`).join(" "));
      }
    }
    this.#original = find(this.element, "[data-part=original]");
    this.#consent = find(this.element, "[data-part=consent]");
    this.#consent.addEventListener("change", () => this.#showFault(""));
    const button = find<HTMLButtonElement>(this.element, "button");
    fill(button, { name: file.name });
    button.addEventListener("click", remove);
  }

  get isLookedAt(): boolean {
    return this.#seen.state !== "looking";
  }

  /** Show how much of the file was looked at, from 0 to 1. */
  showProgress(part: number): void {
    const percent = find(this.element, "[data-part=percent]");
    percent.hidden = false;
    fill(percent, { percent: formatPart(part) });
    find<HTMLProgressElement>(this.element, "progress").value = part;
  }

  /** Show what was found: the kinds, never the values. */
  show(seen: Seen): void {
    this.#seen = seen;
    showOnly(this.element, "look", seen.state);
    const found = new Set<string>(seen.state === "cleaned" ? seen.found : []);
    for (const kind of this.element.querySelectorAll<HTMLElement>("[data-kind]")) {
      kind.hidden = !found.has(kind.dataset["kind"] ?? "");
    }
    showOnly(this.element, "why", seen.state === "uncleaned" ? seen.reason : "");
    this.#showFault("");
  }

  /** The file as the source decided about it, or undefined when a fault is now shown. */
  read(): ChosenFile | undefined {
    const look = this.#seen;
    const isConsented = this.#consent.checked;
    if (look.state === "looking" || look.state === "unreadable") {
      this.#showFault(look.state);
      return undefined;
    }
    if (look.state === "uncleaned" && !isConsented) {
      this.#showFault("uncleaned");
      return undefined;
    }
    const withOriginal = look.state === "cleaned" && this.#original.checked;
    return { file: this.file, look, isConsented, withOriginal };
  }

  /** To where the source can do something about the fault. */
  focus(): void {
    const field = this.#seen.state === "uncleaned" ? this.#consent : null;
    (field ?? find(this.element, "button")).focus();
  }

  #showFault(fault: string): void {
    showOnly(this.element, "fault", fault);
    this.#consent.toggleAttribute("aria-invalid", fault === "uncleaned");
  }
}

/** Who looks into the files. */
interface Looker {
  /** Look what is in a file; the answer comes to `show`. */
  look(id: number, file: File): void;
  /** Look no further. */
  forget(id: number): void;
}

/** The files that the source chose, in order. */
export class FileList {
  #rows: Row[] = [];
  #lastId = 0;
  readonly #input = byId<HTMLInputElement>("files");
  readonly #list = byId("file-list");

  constructor(private readonly looker: Looker) {
    this.#input.addEventListener("change", () => {
      for (const file of this.#input.files ?? []) {
        const id = ++this.#lastId;
        const row = new Row(id, file, () => this.#remove(row));
        this.#rows.push(row);
        this.#list.append(row.element);
        looker.look(id, file);
      }
      // Emptied, so that choosing the same file again is noticed.
      this.#input.value = "";
    });
  }

  /** Show how far the looking into a file is; it may be gone from the list by now. */
  showProgress(id: number, part: number): void {
    this.#rows.find((row) => row.id === id)?.showProgress(part);
  }

  /** Show what was found in a file; it may be gone from the list by now. */
  show(id: number, seen: Seen): void {
    this.#rows.find((row) => row.id === id)?.show(seen);
  }

  /** Nobody is looking any more: the one who did stopped, perhaps because of one of these. */
  giveUp(): void {
    for (const row of this.#rows) if (!row.isLookedAt) row.show({ state: "unreadable" });
  }

  /** The files as the source decided, or undefined when a fault is now shown beside one. */
  read(): readonly ChosenFile[] | undefined {
    const chosen = this.#rows.map((row) => row.read());
    const faulty = this.#rows.find((_row, index) => chosen[index] === undefined);
    faulty?.focus();
    return faulty === undefined ? chosen.filter((file) => file !== undefined) : undefined;
  }

  clear(): void {
    this.#rows.forEach((row) => this.#forget(row));
    this.#rows = [];
    this.#list.replaceChildren();
    this.#input.value = "";
  }

  #forget(gone: Row): void {
    if (!gone.isLookedAt) this.looker.forget(gone.id);
  }

  #remove(gone: Row): void {
    this.#forget(gone);
    this.#rows = this.#rows.filter((row) => row !== gone);
    gone.element.remove();
    this.#input.focus();
  }
}
