// Days as tip.json writes them: YYYY-MM-DD, of the years 1 to 9999.

const DAY = /^(?!0000)\d{4}-\d{2}-\d{2}$/;

/** Is there such a day? A browser's field takes years of six digits, and an old one any text. */
export function isDay(text: string): boolean {
  if (!DAY.test(text)) return false;
  const moment = new Date(`${text}T00:00:00Z`);
  // The 31st of February is no date to some browsers, and the 3rd of March to others.
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(text);
}

/** Are these two days, the last not before the first? In this form days sort as text. */
export function areDays({ from, to }: { from: string; to: string }): boolean {
  return isDay(from) && isDay(to) && from <= to;
}
