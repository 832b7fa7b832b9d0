// The list of attachments: each with its warning and its own way out.

import { byId, copyTemplate, fill, find, formatSize } from "./dom.js";

/** The files that the source chose, in order. */
export class FileList {
  #files: File[] = [];
  readonly #input = byId<HTMLInputElement>("files");
  readonly #list = byId("file-list");

  constructor() {
    this.#input.addEventListener("change", () => {
      this.#files.push(...(this.#input.files ?? []));
      // Emptied, so that choosing the same file again is noticed.
      this.#input.value = "";
      this.#show();
    });
  }

  get files(): readonly File[] {
    return this.#files;
  }

  clear(): void {
    this.#files = [];
    this.#input.value = "";
    this.#show();
  }

  #show(): void {
    this.#list.replaceChildren(
      ...this.#files.map((file) => {
        const row = copyTemplate("file-row");
        find(row, "[data-part=name]").textContent = file.name;
        find(row, "[data-part=size]").textContent = formatSize(file.size);
        const button = find<HTMLButtonElement>(row, "button");
        fill(button, { name: file.name });
        button.addEventListener("click", () => {
          this.#files = this.#files.filter((other) => other !== file);
          this.#show();
          this.#input.focus();
        });
        return row;
      }),
    );
  }
}
