// Endings of names and media types: what a reader's programs go by.
//
// Only what stands here is ever said of a file. Any other ending could be a word of the source's.

import { EXTENSIONS, type Format } from "./cleaning/clean.js";

/** What is said of a file that stands in no list. */
export const UNKNOWN = { extension: "bin", type: "application/octet-stream" } as const;

const TYPES: Readonly<Record<string, string>> = {
  // what is cleaned, once all formats are
  avif: "image/avif",
  gif: "image/gif",
  heic: "image/heic",
  jpg: "image/jpeg",
  png: "image/png",
  tiff: "image/tiff",
  webp: "image/webp",
  flac: "audio/flac",
  m4a: "audio/mp4",
  mp3: "audio/mpeg",
  oga: "audio/ogg",
  ogg: "audio/ogg",
  opus: "audio/ogg",
  wav: "audio/wav",
  "3gp": "video/3gpp",
  mkv: "video/matroska",
  mov: "video/quicktime",
  mp4: "video/mp4",
  ogv: "video/ogg",
  webm: "video/webm",
  pdf: "application/pdf",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  pptx: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  odp: "application/vnd.oasis.opendocument.presentation",
  ods: "application/vnd.oasis.opendocument.spreadsheet",
  odt: "application/vnd.oasis.opendocument.text",
  csv: "text/csv",
  txt: "text/plain",
  // what is not
  bmp: "image/bmp",
  heif: "image/heif",
  jpeg: "image/jpeg",
  svg: "image/svg+xml",
  tif: "image/tiff",
  aac: "audio/aac",
  amr: "audio/AMR",
  m4v: "video/mp4",
  avi: "video/x-msvideo",
  mpg: "video/mpeg",
  wmv: "video/x-ms-wmv",
  doc: "application/msword",
  docm: "application/vnd.ms-word.document.macroEnabled.12",
  ppt: "application/vnd.ms-powerpoint",
  pptm: "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
  rtf: "application/rtf",
  xls: "application/vnd.ms-excel",
  xlsm: "application/vnd.ms-excel.sheet.macroEnabled.12",
  eml: "message/rfc822",
  html: "text/html",
  json: "application/json",
  xml: "application/xml",
  "7z": "application/x-7z-compressed",
  gz: "application/gzip",
  rar: "application/vnd.rar",
  zip: "application/zip",
};

export interface Medium {
  readonly extension: string;
  readonly type: string;
}

function mediumOf(extension: string): Medium {
  const type = Object.hasOwn(TYPES, extension) ? TYPES[extension] : undefined;
  return type === undefined ? UNKNOWN : { extension, type };
}

/** What is said of a file whose format was found. */
export function ofFormat(format: Format): Medium {
  return mediumOf(EXTENSIONS[format]);
}

/** What is said of a file that could not be cleaned: its name's ending, if it is a common one. */
export function ofName(name: string): Medium {
  return mediumOf(/\.([a-z0-9]{1,5})$/.exec(name.toLowerCase())?.[1] ?? "");
}
