// Keyboard shortcuts and the theme switch. Shortcuts only press what the page already offers.
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const typing = (el) => el?.matches?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
const visible = (el) => el.checkVisibility() && !el.disabled;
const row = () => document.activeElement.closest("[data-row]");

function search() {
  const field = document.querySelector(".find input");
  field?.focus();
  field?.select();
}
function walk(step) {
  const rows = all("[data-row]").filter(visible);
  const next = rows[Math.max(0, rows.indexOf(row()) + step)];
  (next?.querySelector("a[href]") ?? next)?.focus();
  next?.scrollIntoView({ block: "nearest" });
}
function press(key) {
  const marked = `[data-key="${CSS.escape(key)}"]`;
  [...all(marked, row() ?? document), ...all(marked)].find(visible)?.click();
}

addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase(), command = event.metaKey || event.ctrlKey;
  if (command && key === "k") search();
  else if (command && key === "enter" && event.target.form) event.target.form.requestSubmit();
  else if (command || event.altKey || event.repeat && !"jk".includes(key)) return;
  else if (typing(event.target) || document.querySelector("dialog[open]")) return;
  else if (key === "/") search();
  else if (key === "?") document.getElementById("keys")?.togglePopover();
  else if (key === "j" || key === "k") walk(key === "j" ? 1 : -1);
  else if (key === "x") row()?.querySelector("input[type=checkbox]")?.click();
  else if (/^[a-z]$/.test(key)) return press(key);
  else return;
  event.preventDefault();
});

addEventListener("click", ({ target }) => {
  target.closest("[data-dismiss]")?.closest(".toast")?.remove();
  const dialog = target.closest("[data-opens]")?.dataset.opens;
  if (dialog) document.querySelector(dialog)?.showModal();
});

for (const button of all("[data-theme-switch]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = getComputedStyle(root).colorScheme === "dark"
      || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* storage is blocked */ }
  });
}
