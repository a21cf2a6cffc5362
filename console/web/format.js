// Numbers, amounts and times as people of the language write them. Quantities keep their unit, money its currency.

import { language, say } from "./words.js";

const locale = language === "en" ? "en-GB" : language;
const formats = new Map();

function fixed(decimals) {
  if (!formats.has(decimals)) {
    const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    formats.set(decimals, new Intl.NumberFormat(locale, options));
  }
  return formats.get(decimals);
}

const moment = new Intl.DateTimeFormat(locale, {
  timeZone: "UTC", year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
const dayMonth = new Intl.DateTimeFormat(locale, { timeZone: "UTC", month: "short", day: "numeric" });
const hourMinute = new Intl.DateTimeFormat(locale, { timeZone: "UTC", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const units = { m3: "m³" };

/** Three significant figures below a thousand, none after the point above. A dash for what is not known. */
export function amount(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  const decimals = size >= 100 || value === 0 ? 0 : size >= 10 ? 1 : 2;
  return fixed(decimals).format(value).replace(/^-/, "−");
}

/** A whole number. */
export function count(value) {
  return value === null || value === undefined ? "–" : fixed(0).format(value);
}

/** An amount with a sign, also when it is above zero. */
export function signed(value) {
  return value > 0 ? `+${amount(value)}` : amount(value);
}

/** A unit as it is printed. */
export function unitName(unit) {
  return units[unit] ?? unit;
}

/** A quantity a day. */
export function perDay(value, unit) {
  return say("per_day", { amount: `${amount(value)} ${unitName(unit)}` });
}

/** Money a day. */
export function moneyPerDay(value, currency) {
  return say("per_day", { amount: `${amount(Number(value))} ${currency}` });
}

/** Date and time in UTC. */
export function time(iso) {
  return iso ? `${moment.format(new Date(iso))} UTC` : "–";
}

/** Day and month in UTC. */
export function day(date) {
  return dayMonth.format(date);
}

/** Hour and minute in UTC. */
export function hour(date) {
  return hourMinute.format(date);
}

/** A distance in kilometres. */
export function kilometres(value) {
  return `${amount(value)} km`;
}
