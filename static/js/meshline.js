// The console's only script: freshness, theme, shortcuts, toasts. Every page works without it.
const TICK_MS = 2000;
const TOAST_TICKS = 4;
const body = document.body;
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const isTick = (config) => config?.triggeringEvent?.type === "meshline:tick";
const typing = (el) => el?.matches?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
const etags = new Map();
let skew = 0; // server's clock minus ours, in ms; small differences count as none

// --- Times: the same rules as meshline/console/ui/times.py --------------------------------
function duration(ms) {
  const s = Math.floor(Math.abs(ms) / 1000), min = Math.floor(s / 60), h = Math.floor(min / 60), d = Math.floor(h / 24);
  if (s < 60) return `${s} s`;
  if (min < 60) return `${min} min`;
  if (h < 48) return `${h} h ${String(min % 60).padStart(2, "0")}`;
  return h % 24 ? `${d} d ${h % 24} h` : `${d} d`;
}
function freshen() {
  for (const el of all("time[data-rel]")) {
    const ms = Date.parse(el.dateTime) - Date.now() - skew, text = duration(ms);
    const words = el.dataset.rel === "left" ? (ms > 0 ? text : `${text} late`)
      : Math.abs(ms) < 1000 ? "now" : ms > 0 ? `in ${text}` : `${text} ago`;
    if (el.textContent !== words) el.textContent = words;
  }
}

// --- Live partials ------------------------------------------------------------------------
const busy = (el) => (typing(document.activeElement) && el.contains(document.activeElement))
  || el.querySelector(":popover-open, dialog[open], [data-row] .check:checked");
function connection(up) {
  for (const el of all("[data-offline]")) el.hidden = up;
  for (const el of all("[data-live]")) {
    el.dataset.state = up ? "on" : "off";
    el.lastElementChild.textContent = up ? "Live" : "Offline";
  }
}
function tick() {
  freshen();
  if (!document.hidden) body.dispatchEvent(new CustomEvent("meshline:tick"));
}
setInterval(() => {
  tick();
  for (const el of all(".toast:not(.bad):not(:hover):not(:focus-within)")) {
    el.dataset.age = 1 + Number(el.dataset.age ?? 0);
    if (el.dataset.age > TOAST_TICKS) el.remove();
  }
}, TICK_MS);
document.addEventListener("visibilitychange", tick);
addEventListener("online", tick);
addEventListener("offline", () => connection(false));
freshen();
const keepsOpen = (name, el) => !(name === "open" && el.tagName === "DETAILS");
if (window.Idiomorph) Idiomorph.defaults.callbacks.beforeAttributeUpdated = keepsOpen;

body.addEventListener("htmx:configRequest", (event) => {
  const { elt, path, headers } = event.detail;
  if (!isTick(event.detail)) return;
  if (busy(elt)) event.preventDefault();
  else if (etags.has(path + elt.id)) headers["If-None-Match"] = etags.get(path + elt.id);
});
body.addEventListener("htmx:afterRequest", ({ detail: { xhr, elt, requestConfig: config } }) => {
  if (!xhr.status) return;
  connection(true);
  const gap = Date.parse(xhr.getResponseHeader("Date")) - Date.now();
  skew = Math.abs(gap) > 2000 ? gap : 0;
  const etag = xhr.getResponseHeader("ETag");
  if (!isTick(config)) etags.clear();
  else if (xhr.status === 200 && etag) etags.set(config.path + elt.id, etag);
});
body.addEventListener("htmx:sendError", () => connection(false));
body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!detail.shouldSwap || !/^\s*<!doctype/i.test(detail.xhr.responseText)) return;
  detail.shouldSwap = false; // a whole page (sign-in, mostly) belongs in the window, not in a partial
  if (isTick(detail.requestConfig)) location.reload(); else location.assign(detail.xhr.responseURL);
});
body.addEventListener("htmx:afterSwap", () => {
  freshen();
  for (const el of all("dialog[data-open]:not([open])")) el.showModal();
});

// --- Toasts -------------------------------------------------------------------------------
function toast(text, kind = "good") {
  const [good, bad] = all(".toast", document.getElementById("toast-shapes").content);
  const el = (kind === "bad" ? bad : good).cloneNode(true);
  el.querySelector("span").textContent = text;
  document.getElementById("toasts").append(el);
}
body.addEventListener("meshline:toast", ({ detail }) => toast(detail.text, detail.kind));
body.addEventListener("htmx:responseError", ({ detail: { xhr, requestConfig } }) => {
  if (isTick(requestConfig)) return;
  let problem = {};
  try { problem = JSON.parse(xhr.responseText); } catch { /* not problem+json */ }
  const said = problem.detail ?? problem.title ?? `That did not work (status ${xhr.status}).`;
  toast([said, problem.remedy].filter(Boolean).join(" "), "bad");
});
