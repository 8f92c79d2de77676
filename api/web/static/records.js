// Elements, amounts and dates; a source record, or a list of them, in the dialog. Everything is set as text, never as markup.
"use strict";

// --- making elements
function make(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
  return node;
}
const tag = (text, tone) => make("span", { class: `tag ${tone || ""}` }, text);
const words = (code) => String(code).replaceAll("_", " ").toLowerCase();
const day = (iso) => (iso ? new Date(`${iso.slice(0, 10)}T12:00:00Z`).toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric", timeZone: "UTC" }) : "no date");
const clock = (iso) => new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

function money(minor, currency) {
  if (minor === null || minor === undefined || !currency) return "";
  const format = new Intl.NumberFormat(undefined, { style: "currency", currency });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}
/** For figures at a glance: whole units, the exact amount in the title. */
function about(minor, currency) {
  if (minor === null || minor === undefined || !currency) return "";
  const exact = new Intl.NumberFormat(undefined, { style: "currency", currency });
  const whole = new Intl.NumberFormat(undefined, { style: "currency", currency, maximumFractionDigits: 0 });
  return make("span", { title: money(minor, currency) }, whole.format(minor / 10 ** exact.resolvedOptions().maximumFractionDigits));
}
function inMinor(text, currency) {
  const digits = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
  const [whole, part = ""] = text.split(".");
  if (part.length > digits) throw new Error(`${currency} has ${digits} digits after the point.`);
  return Number(whole + part.padEnd(digits, "0"));
}
const link = (item, text) => make("button", { type: "button", class: "link", onclick: () => drill(item.href, text) }, text);
const list = (items, render, none) => (items.length ? make("ul", { class: "items" }, ...items.map((i) => make("li", {}, ...render(i)))) : make("p", { class: "none" }, none));

// --- drill-through: the source record, whole
async function drill(href, title) {
  el("record-title").textContent = title;
  const fields = el("record-fields");
  fields.replaceChildren(make("dd", {}, "…"));
  if (!el("record").open) el("record").showModal();
  try {
    const record = await call(href);
    fields.replaceChildren(...Object.entries(record).flatMap(([k, v]) => [
      make("dt", {}, words(k.replace(/_minor$/, ""))),
      make("dd", {}, v === null ? "–" : typeof v === "object" ? JSON.stringify(v, null, 1) : k.endsWith("_minor") ? money(v, record.currency_code) : String(v)),
    ]));
  } catch (error) {
    fields.replaceChildren(make("dd", { class: "failure" }, error.message));
  }
}

/** Everything that a panel shows the first of, page by page; each line leads to its record. */
async function listAll(href, title) {
  el("record-title").textContent = title;
  const fields = el("record-fields");
  fields.replaceChildren(make("dd", {}, "…"));
  if (!el("record").open) el("record").showModal();
  const lines = [];
  const next = async (at) => {
    const page = await call(at);
    lines.push(...page.items.flatMap((i) => {
      const name = i.name || i.subject || i.external_id || (i.payment_date && day(i.payment_date)) || (i.occurred_at && clock(i.occurred_at)) || i.id;
      const amount = i.balance_due_minor ?? i.amount_minor ?? i.value_minor ?? i.arr_minor;
      const facts = [i.type, i.stage || i.status, i.due_date && `due ${day(i.due_date)}`, i.renewal_date && `renews ${day(i.renewal_date)}`, money(amount, i.currency_code)].filter(Boolean);
      return [make("dt", {}, link({ href: recordOf(href, i) }, name)), make("dd", {}, facts.map((f) => (f === i.status ? words(f) : f)).join(" · "))];
    }));
    const more = page.next_cursor && make("button", { type: "button", class: "quiet small", onclick: () => next(`${href}${href.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(page.next_cursor)}`) }, "Show more");
    fields.replaceChildren(...(lines.length ? lines : [make("dd", { class: "none" }, "None.")]), ...(more ? [make("dd", {}, more)] : []));
  };
  await next(href).catch((error) => fields.replaceChildren(make("dd", { class: "failure" }, error.message)));
}
/** Where a record of a list stands: the view's own invoices and payments beneath it, any other by its kind. */
function recordOf(list, item) {
  const path = list.split("?")[0];
  if (item.href) return item.href;
  return path.startsWith(`${root}/360/`) ? `${path}/${item.id}` : `/v1/${path.split("/").pop()}/${item.id}`;
}
const all = (href, said) => make("p", { class: "more" }, make("button", { type: "button", class: "link", onclick: () => listAll(href, said) }, said));
