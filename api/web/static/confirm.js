// The page that confirms a proposal. Everything shown comes from the JSON API and is set as text, never as markup.
"use strict";

const proposal = document.body.dataset.proposal;
const root = `/v1/proposals/${encodeURIComponent(proposal)}`;
const el = (id) => document.getElementById(id);

// --- the token: pasted, in development also from the address's fragment (never sent to a server); kept for this tab only. In
// production a link must not sign anybody in: it may be somebody else's, or lie in a history.
if (location.hash.startsWith("#token=")) {
  if (document.body.dataset.production !== "yes") sessionStorage.setItem("arflow-token", decodeURIComponent(location.hash.slice(7)));
  history.replaceState(null, "", location.pathname);
}
const token = () => sessionStorage.getItem("arflow-token");

async function call(path, body) {
  const headers = { Authorization: `Bearer ${token()}`, ...(body ? { "Content-Type": "application/json" } : {}) };
  const answer = await fetch(path, body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers });
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(found.detail || `The server answered ${answer.status}.`), { status: answer.status, problem: found });
  return found;
}

function make(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) node.setAttribute(name === "className" ? "class" : name, value);
  node.append(...children);
  return node;
}
const clock = (iso) => new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
function money(minor, currency) {
  const format = new Intl.NumberFormat(undefined, { style: "currency", currency });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}

function entry(e) {
  const rows = e.lines.map((x) => make("tr", {},
    make("th", { scope: "row" }, x.account.replaceAll("_", " ")),
    make("td", { className: "number-cell" }, x.debit_minor ? money(x.debit_minor, x.currency_code) : ""),
    make("td", { className: "number-cell" }, x.credit_minor ? money(x.credit_minor, x.currency_code) : "")));
  const head = make("tr", {}, make("th", { scope: "col" }, "Account"), make("th", { scope: "col", className: "number-cell" }, "Debit"), make("th", { scope: "col", className: "number-cell" }, "Credit"));
  return make("table", { className: "entry" }, make("caption", {}, `Journal entry of ${e.entry_date}`), make("thead", {}, head), make("tbody", {}, ...rows));
}

const ENDED = { COMMITTED: "This has been carried out.", DECLINED: "This has been declined. Nothing was done.", STALE: "This would no longer happen as it was shown." };

function show(p) {
  el("problem").hidden = true; el("signin").hidden = true; el("view").hidden = false; el("signout").hidden = false;
  const [first, ...rest] = p.in_words;
  const posted = p.effect.journal_entries || [];
  el("what").textContent = first;
  el("facts").textContent = [`for ${p.proposed_by}`, p.agent && `by ${p.agent}`, p.client && `through ${p.client}`, `good until ${clock(p.expires_at)}`].filter(Boolean).join(" · ");
  // The entries stand in a table of their own; of the lines, those before them.
  const cut = rest.findIndex((line) => line.startsWith("Journal entry of "));
  const lines = posted.length && cut >= 0 ? rest.slice(0, cut) : rest;
  el("effect").replaceChildren(...(lines.length ? lines : [first]).map((line) => make("li", {}, line)));
  el("entries").replaceChildren(...posted.map(entry));
  el("entries").hidden = !posted.length;
  el("warnings").replaceChildren(...p.warnings.map((w) => make("div", { className: "alert warn" }, make("strong", {}, w.code.replaceAll("_", " ").toLowerCase()), make("span", {}, w.detail))));
  el("warnings").hidden = !p.warnings.length;
  const over = ENDED[p.status] || (p.expired ? "The time for this is over. Nothing was done." : "");
  say(over);
  if (p.successor_id) next(p.successor_id);
  el("choice").hidden = Boolean(over);
}

function say(text, bad = false) {
  el("said").className = bad ? "said bad" : "said";
  el("said").replaceChildren(text);
}
/** The proposal that shows what would happen now. */
function next(id) {
  el("said").append(" ", make("a", { href: `/confirm/${encodeURIComponent(id)}` }, "Look at what would happen now"));
}

function fail(error) {
  if (error.status === 401) return signIn(token() ? "Your token is not valid any more." : "");
  const code = error.problem?.code;
  el("problem").textContent = code ? `${error.message} (${code})` : error.message;
  el("problem").hidden = false;
}
function signIn(why) {
  el("view").hidden = true; el("signin").hidden = false; el("signout").hidden = true;
  el("what").textContent = "Confirm"; el("facts").textContent = "";
  el("problem").hidden = !why; el("problem").textContent = why || "";
  el("token").focus();
}

async function load() {
  if (!token()) return signIn();
  try { show(await call(root)); } catch (error) { fail(error); }
}

async function choose(path, done) {
  for (const name of ["approve", "decline"]) el(name).disabled = true;
  say("…");
  try {
    const answer = await call(`${root}/${path}`, {});
    el("choice").hidden = true;
    say(answer.status === "UNDER_WAY" ? "It is being carried out." : done);
  } catch (error) {
    say(error.message, true);
    if (error.status === 401) fail(error);
    if (error.problem?.code === "PROPOSAL_STALE") {
      el("choice").hidden = true;
      if (error.problem.proposal_id) next(error.problem.proposal_id);
    }
  } finally {
    for (const name of ["approve", "decline"]) el(name).disabled = false;
  }
}
el("approve").addEventListener("click", () => choose("commit", "Done, exactly as shown."));
el("decline").addEventListener("click", () => choose("decline", "Declined. Nothing was done."));
el("signin").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("arflow-token", el("token").value.trim());
  el("token").value = "";
  load();
});
el("signout").addEventListener("click", () => { sessionStorage.removeItem("arflow-token"); signIn(); });
load();
