// Days as tip.json writes them: YYYY-MM-DD, of the years 1 to 9999.

const DAY = /^(?!0000)\d{4}-\d{2}-\d{2}$/;

/** Is there such a day? A browser's field takes years of six digits, or any text. */
export function isDay(text: string): boolean {
  const moment = new Date(`${text}T00:00:00Z`);
  return DAY.test(text) && moment.getTime() && moment.toISOString().startsWith(text);
}
