// The rules of PDF as data: tipline/cleaning/pdf.json, the same as in Python.
//
// What is kept is decided by its allow-lists alone.

import rules from "../../../cleaning/pdf.json";
import type { Kind } from "./plan.js";

type Lists = Readonly<Record<string, readonly string[]>>;
type Words = Readonly<Record<string, string>>;

interface PdfRules {
  readonly operators: Words;
  readonly named: Words;
  readonly plain_names: Lists;
  readonly inline: Words;
  readonly parts: Readonly<Record<string, Words>>;
  readonly image_parameters: Readonly<Record<string, Words>>;
  readonly drawn_notes: readonly string[];
  readonly blend_modes: readonly string[];
  readonly inks: readonly string[];
  readonly tables: readonly string[];
  readonly cmaps: readonly string[];
  readonly orderings: readonly string[];
  readonly postscript: readonly string[];
  readonly quiet: readonly string[];
  readonly kinds: Readonly<Record<string, readonly Kind[]>>;
}

export const PDF_RULES = rules as PdfRules;
