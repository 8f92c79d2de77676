// The 360 page. Everything shown comes from the JSON API and is set as text, never as markup.
"use strict";

const customer = document.body.dataset.customer;
const root = `/v1/customers/${encodeURIComponent(customer)}`;
const el = (id) => document.getElementById(id);
const STALE_AGAIN_MS = 3000;
const REVALIDATE_MS = 60000;
let again = null;

// --- the token: pasted, in development also from the address's fragment (never sent to a server); kept for this tab only. In
// production a link must not sign anybody in: it may be somebody else's, or lie in a history.
if (location.hash.startsWith("#token=")) {
  if (document.body.dataset.production !== "yes") sessionStorage.setItem("arflow-token", decodeURIComponent(location.hash.slice(7)));
  history.replaceState(null, "", location.pathname);
}
const token = () => sessionStorage.getItem("arflow-token");

async function call(path, options = {}) {
  const headers = { Authorization: `Bearer ${token()}`, ...(options.body ? { "Content-Type": "application/json" } : {}), ...options.headers };
  const answer = await fetch(path, { ...options, headers });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(body.detail || `The server answered ${answer.status}.`), { status: answer.status, problem: body });
  return body;
}

// --- the panels
const RISK = { missed: ["renewal missed", "bad"], notice_window: ["in notice window", "warn"] };
const sla = (s) => (/breach|violat|missed/i.test(s) ? "bad" : /risk|warn/i.test(s) ? "warn" : /track|met|compliant/i.test(s) ? "good" : "");

const EVERY = {
  contracts: "All contracts, ended ones too", cases: "All cases, closed ones too", opportunities: "All opportunities, won and lost too",
  quotes: "All quotes", orders: "All orders", activities: "The whole timeline",
};

const RENDER = {
  contracts: (data) => list(data, (k) => [
    link(k, k.name || k.external_id), make("span", { class: "amount" }, `${money(k.arr_minor, k.currency_code)} ARR`),
    make("span", { class: "sub" }, `Renews ${day(k.renewal_date)}${k.owner_user ? ` · ${k.owner_user}` : ""}`),
    make("span", { class: "side" }, RISK[k.renewal_risk] ? tag(...RISK[k.renewal_risk]) : `${money(k.mrr_minor, k.currency_code)} MRR`),
  ], "No active contract or subscription."),
  ar_aging: (data) => make("div", {}, agingBar(data), buckets(data), owing(data),
    make("h3", {}, "Oldest open invoices"),
    list(data.invoices.slice(0, 5), (i) => [
      link(i, i.external_id), make("span", { class: "amount" }, money(i.balance_due_minor, i.currency_code)),
      make("span", { class: "sub" }, `Due ${day(i.due_date)}`), make("span", { class: "side" }, i.disputed_minor ? tag("disputed", "warn") : i.days_past_due ? tag(`${i.days_past_due} days over`, i.days_past_due >= 60 ? "bad" : "warn") : tag("not due")),
    ], "Nothing is owed."),
    make("h3", {}, "Latest payments"),
    list((data.recent_payments || []).slice(0, 4), (p) => [
      link(p, day(p.payment_date)), make("span", { class: "amount" }, money(p.amount_minor, p.currency_code)),
      make("span", { class: "sub" }, words(p.status)), make("span", { class: "side" }, p.unapplied_minor && p.status !== "REVERSED" ? `${money(p.unapplied_minor, p.currency_code)} unapplied` : ""),
    ], "No payment yet.")),
  cases: (data) => list(data, (c) => [
    link(c, c.subject), make("span", { class: "side" }, tag(words(c.priority), /urgent|critical|p1/i.test(c.priority) ? "bad" : /high|p2/i.test(c.priority) ? "warn" : "")),
    make("span", { class: "sub" }, words(c.status), c.escalation ? ` · escalated to ${words(c.escalation.owner_role)}, due ${clock(c.escalation.due_at)}` : ""),
    make("span", { class: "side" }, tag(`SLA ${words(c.sla_status)}`, sla(c.sla_status))),
    c.escalation ? null : escalation(c),
  ], "No open case."),
  opportunities: (data) => list(data, (o) => [
    link(o, o.name), make("span", { class: "amount" }, money(o.value_minor, o.currency_code)),
    make("span", { class: "sub" }, `${o.stage} · closes ${day(o.close_date)}`), make("span", { class: "side" }, o.overdue ? tag("close date passed", "warn") : ""),
  ], "No open opportunity."),
  quotes: (data) => list(data, (q) => [
    link(q, q.name || q.external_id), make("span", { class: "amount" }, money(q.value_minor, q.currency_code)),
    make("span", { class: "sub" }, words(q.status)), make("span", { class: "side" }, q.expiry_date ? `until ${day(q.expiry_date)}` : "no expiry"),
  ], "No active quote."),
  orders: (data) => list(data, (o) => [
    link(o, o.external_id), make("span", { class: "amount" }, money(o.value_minor, o.currency_code)),
    make("span", { class: "sub" }, words(o.status)), make("span", { class: "side" }, o.ship_date ? `${o.ship_date <= new Date().toISOString().slice(0, 10) ? "shipped" : "ships"} ${day(o.ship_date)}` : "no ship date"),
  ], "No order yet."),
  nps: (data) => (data ? make("div", {}, make("span", { class: "score" }, String(data.latest)), " ", mood(data.latest), make("p", { class: "sub" }, link(data, `Surveyed ${day(data.surveyed_at)}`))) : make("p", { class: "none" }, "Never surveyed.")),
  activities: (data) => list(data, (a) => [
    make("span", {}, tag(a.type), " ", link(a, clock(a.occurred_at))), make("span", { class: "side" }, a.logged_by), make("p", { class: "notes" }, a.notes),
  ], "Nothing logged yet: the first call, e-mail or meeting stands here."),
};

const mood = (score) => (score < 0 || score > 10 ? null : score >= 9 ? tag("promoter", "good") : score >= 7 ? tag("passive") : tag("detractor", "bad"));

/** What the buckets leave out: how much of "current" is not due at all, what is in hand against it, what is disputed. */
function owing(a) {
  const facts = [["not due", a.not_due_minor], ["1–29 days over", a.overdue_1_29_minor], ["paid, not applied", a.unapplied_minor + a.credits_minor], ["credit notes", a.credit_notes_minor], ["disputed", a.disputed_minor]]
    .filter(([, minor]) => minor).map(([name, minor]) => `${money(minor, a.currency_code)} ${name}`);
  return facts.length ? make("p", { class: "owing" }, facts.join(" · ")) : null;
}
function agingBar(a) {
  const parts = [a.current_minor, a.days_30_minor, a.days_60_minor, a.days_90plus_minor];
  const total = parts.reduce((x, y) => x + y, 0) || 1;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "bar"); svg.setAttribute("viewBox", "0 0 100 10"); svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img"); svg.setAttribute("aria-label", "Share of each bucket");
  let x = 0;
  parts.forEach((part, n) => {
    const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const width = (100 * part) / total;
    for (const [k, v] of Object.entries({ x, y: 0, width, height: 10, class: `b${n}` })) rect.setAttribute(k, v);
    svg.append(rect); x += width;
  });
  return svg;
}
function key(n) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "key"); svg.setAttribute("viewBox", "0 0 9 9"); svg.setAttribute("aria-hidden", "true");
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  rect.setAttribute("width", 9); rect.setAttribute("height", 9); rect.setAttribute("class", `b${n}`);
  svg.append(rect);
  return svg;
}
function buckets(a) {
  const named = [["Current", a.current_minor], ["30–59", a.days_30_minor], ["60–89", a.days_60_minor], ["90+", a.days_90plus_minor]];
  return make("dl", { class: "buckets" }, ...named.map(([name, minor], n) => make("div", {}, make("dt", {}, key(n), name), make("dd", {}, about(minor, a.currency_code)))));
}

function escalation(c) {
  const said = make("p", { class: "said wide", role: "status" });
  const form = make("form", { class: "act wide", hidden: "" },
    make("select", { name: "reason_code", "aria-label": "Reason" }, ...["CUSTOMER_AT_RISK", "SLA_BREACH", "EXECUTIVE_REQUEST", "REPEATED_FAILURE"].map((r) => make("option", { value: r }, words(r)))),
    make("input", { name: "note", maxlength: "20000", placeholder: "Note (optional)", "aria-label": "Note" }),
    make("button", { type: "submit" }, "Escalate"), said);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = { reason_code: form.reason_code.value, ...(form.note.value.trim() ? { note: form.note.value } : {}) };
    send(form, said, `/v1/cases/${c.id}/escalate`, body);
  });
  return make("div", { class: "wide" }, make("button", { type: "button", class: "quiet small", onclick: (e) => { form.hidden = !form.hidden; e.target.hidden = true; } }, "Escalate…"), form);
}

// --- a panel and its freshness
function state(p) {
  if (p.error) return make("span", { class: "state failed" }, p.as_of ? `failed · as of ${age(p.as_of)}` : "failed");
  if (p.stale) return make("span", { class: "state stale" }, `stale · as of ${age(p.as_of)}`);
  return make("span", { class: "state" }, p.source === "arflow" ? "live" : `${p.source} · ${age(p.as_of)}`);
}
function age(iso) {
  const minutes = Math.floor((Date.now() - Date.parse(iso)) / 60000);
  return minutes < 1 ? "just now" : minutes < 60 ? `${minutes} min ago` : clock(iso);
}
function show(name, p) {
  const section = document.querySelector(`[data-panel="${name}"]`);
  const heading = section.querySelector("h2");
  heading.querySelector(".state")?.remove();
  heading.append(state(p));
  const body = section.querySelector(".body");
  if (body.contains(document.activeElement) && document.activeElement.closest("form")) return; // somebody is typing
  const failed = p.data === null && p.error;
  body.replaceChildren(...(p.error ? [make("p", { class: "failure" }, p.error.detail)] : []), ...(failed ? [] : [RENDER[name](p.data)]),
    ...(failed ? [] : name === "ar_aging" ? [all(p.links.invoices, "All open invoices"), all(p.links.payments, "All payments")] : name === "nps" ? [] : [all(p.links.all, EVERY[name])]));
}
function attention(view) {
  const risks = view.attention.map((a) => make("div", { class: `alert ${a.code === "RENEWAL_MISSED" ? "bad" : "warn"}` },
    make("strong", {}, a.code === "RENEWAL_MISSED" ? `Renewal missed by ${-a.days_to_renewal} day${a.days_to_renewal === -1 ? "" : "s"}` : `Renews in ${a.days_to_renewal} day${a.days_to_renewal === 1 ? "" : "s"}`),
    link(a, a.name || "Contract"), make("span", {}, `${money(a.arr_minor, a.currency_code)} ARR`), make("span", { class: "facts" }, `owner: ${a.owner_user || "account manager"}`)));
  const late = view.panels.cases.data.filter((c) => sla(c.sla_status) === "bad").map((c) => make("div", { class: "alert bad" }, make("strong", {}, "SLA breached"), link(c, c.subject), make("span", { class: "facts" }, words(c.priority))));
  el("attention").hidden = !(risks.length + late.length);
  el("attention").replaceChildren(...risks, ...late);
}
function perCurrency(items, field) {
  const sums = {};
  for (const i of items) sums[i.currency_code] = (sums[i.currency_code] || 0) + i[field];
  const shown = Object.entries(sums).flatMap(([currency, minor]) => [" + ", about(minor, currency)]).slice(1);
  return shown.length ? shown : ["–"];
}
function numbers(view) {
  const p = Object.fromEntries(Object.entries(view.panels).map(([k, v]) => [k, v.data]));
  const owed = p.ar_aging || {}; // null where a rate is missing
  const overdue = owed.total_minor - owed.not_due_minor;
  const shown = [
    ["Outstanding", p.ar_aging ? [about(owed.total_minor, owed.currency_code)] : ["–"]],
    ["Overdue", p.ar_aging ? [about(overdue, owed.currency_code)] : ["–"], overdue > 0],
    ["Open pipeline", perCurrency(p.opportunities, "value_minor")],
    ["Recurring, a year", perCurrency(p.contracts, "arr_minor")],
    ["Recurring, a month", perCurrency(p.contracts, "mrr_minor")],
    ["Open cases", [String(p.cases.length)], p.cases.some((c) => sla(c.sla_status) === "bad")],
    ["NPS", [p.nps ? String(p.nps.latest) : "–"]],
  ];
  el("numbers").replaceChildren(...shown.map(([name, value, bad]) => make("div", { class: `number ${bad ? "bad" : ""}` }, make("p", {}, name), make("b", {}, ...value))));
}

// --- loading
async function load() {
  clearTimeout(again);
  if (!token()) return signIn();
  try {
    const view = await call(`${root}/360`, { cache: "no-cache" });
    el("problem").hidden = true; el("signin").hidden = true; el("view").hidden = false; el("signout").hidden = false;
    const c = view.customer;
    el("name").textContent = c.name; document.title = `${c.name} · 360`;
    el("facts").textContent = [c.status, c.legal_entity_id, c.customer_type, c.payment_terms, c.credit_limit && `credit limit ${c.credit_limit} ${c.currency_code || ""}`, c.id].filter(Boolean).join(" · ");
    el("asof").textContent = `As of ${new Date(view.as_of).toLocaleTimeString()}`;
    attention(view); numbers(view);
    for (const [name, panel] of Object.entries(view.panels)) show(name, panel);
    if (c.currency_code && el("deal").currency_code.defaultValue === el("deal").currency_code.value) el("deal").currency_code.value = c.currency_code;
    const waiting = Object.values(view.panels).some((p) => p.stale);
    again = setTimeout(load, waiting ? STALE_AGAIN_MS : REVALIDATE_MS);
  } catch (error) {
    if (error.status === 401) { sessionStorage.removeItem("arflow-token"); return signIn("The token is not valid any more."); }
    el("view").hidden = error.status === 403 || error.status === 404 || el("view").hidden;
    fail(error);
    if (!error.status || error.status >= 500) again = setTimeout(load, 2 * STALE_AGAIN_MS);
  }
}
function fail(error) {
  const code = error.problem?.code;
  el("problem").textContent = code ? `${error.message} (${code})` : error.message;
  el("problem").hidden = false;
}
function signIn(why) {
  el("view").hidden = true; el("signin").hidden = false; el("signout").hidden = true; el("name").textContent = "Customer 360"; el("facts").textContent = "";
  el("problem").hidden = !why; el("problem").textContent = why || "";
}
async function contacts() {
  try {
    const found = await call(`${root}/contacts`);
    el("log").contact_id.append(...(found.items || []).map((c) => make("option", { value: c.id }, c.name)));
  } catch { /* the timeline works without contacts */ }
}

// --- acting: each write has a key of its own, so that a second press or a lost answer does it once
async function send(form, said, path, body) {
  const button = form.querySelector("button[type=submit]");
  form.dataset.key ||= crypto.randomUUID?.() || String(Math.random()).slice(2) + Date.now();
  button.disabled = true; said.className = `${said.className.replace(" bad", "")}`; said.textContent = "…";
  try {
    await call(path, { method: "POST", body: JSON.stringify(body), headers: { "Idempotency-Key": form.dataset.key } });
    form.reset(); delete form.dataset.key;
    document.activeElement?.blur();
    said.textContent = "Done.";
    await load();
  } catch (error) {
    if (error.status && error.status < 500) delete form.dataset.key;
    said.classList.add("bad");
    said.textContent = error.message;
  } finally {
    button.disabled = false;
  }
}
el("log").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const body = { type: form.type.value, notes: form.notes.value, ...(form.contact_id.value ? { contact_id: form.contact_id.value } : {}) };
  send(form, form.querySelector(".said"), `${root}/activities`, body);
});
el("deal").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target, said = form.querySelector(".said");
  try {
    const body = { name: form.elements.name.value, value_minor: inMinor(form.value.value, form.currency_code.value), currency_code: form.currency_code.value, stage: form.stage.value, close_date: form.close_date.value };
    send(form, said, `${root}/opportunities`, body);
  } catch (error) { said.classList.add("bad"); said.textContent = error.message; }
});
el("signin").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("arflow-token", el("token").value.trim());
  el("token").value = "";
  start();
});
el("reload").addEventListener("click", load);
el("signout").addEventListener("click", () => { sessionStorage.removeItem("arflow-token"); clearTimeout(again); signIn(); });
el("record-close").addEventListener("click", () => el("record").close());
function start() { load(); if (token()) contacts(); }
start();
