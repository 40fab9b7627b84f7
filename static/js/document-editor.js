// A document's text in a real editor. The textarea stays the form's field and is told every change; without this
// script, or without CodeMirror, it is what one types in.
import { open } from "./document-view.js";

const field = document.querySelector("textarea.document-text");
const frozen = document.querySelector(".field-text_shown pre.doc");
const panel = document.getElementById("verdict");
const cm = globalThis.CodeMirror;

function goTo(view, number, column = 1) {
  const line = view.state.doc.line(Math.min(Math.max(number, 1), view.state.doc.lines));
  const at = Math.min(line.from + column - 1, line.to);
  view.dispatch({ selection: { anchor: at }, effects: cm.EditorView.scrollIntoView(at, { y: "center" }) });
  view.focus();
}

// What the panel says, under the words that it means. Its places are counted by the server: lines and columns from 1.
function underline(view) {
  const { doc } = view.state;
  const marks = [...panel.querySelectorAll("[data-line]")].filter((one) => Number(one.dataset.line) <= doc.lines).map((one) => {
    const line = doc.line(Number(one.dataset.line)), column = Number(one.dataset.column), until = Number(one.dataset.until);
    return {
      from: Math.min(line.from + column - 1, line.to), to: Math.min(line.from + until - 1, line.to),
      severity: one.dataset.severity === "refused" ? "error" : "warning", message: one.querySelector(".says").textContent,
    };
  });
  view.dispatch(cm.setDiagnostics(view.state, marks.sort((a, b) => a.from - b.from)));
}

function edit() {
  const label = field.labels[0], row = field.closest(".form-row");
  const errors = [...row.querySelectorAll(".errorlist li")].map((one) => one.textContent).join(" ");
  let own = false;
  const changed = (value) => {
    if (value === field.value) return;
    field.value = value;
    own = true;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    own = false;
  };
  const { host, view } = open(field.value, { name: label?.textContent.replace(/:\s*$/, "") || "Document", errors, changed });
  const follow = () => {
    if (own || field.value === view.state.doc.toString()) return;
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: field.value } });
  };
  field.after(host);
  field.hidden = true;
  field.addEventListener("input", follow);
  addEventListener("pageshow", follow); // the browser may bring back what was typed before
  field.form.addEventListener("reset", () => setTimeout(follow));
  label?.addEventListener("click", () => view.focus());
  document.addEventListener("click", (event) => {
    const place = event.target.closest?.("a.to-line")?.closest("[data-line]");
    if (!place) return;
    event.preventDefault();
    goTo(view, Number(place.dataset.line), Number(place.dataset.column) || 1);
  });
  if (!panel) return;
  panel.addEventListener("meshline:checked", () => underline(view));
  underline(view);
}

if (cm && field) edit();
if (cm && frozen) {
  const name = frozen.closest(".form-row").querySelector("label")?.textContent.replace(/:\s*$/, "") || "Document";
  const { host } = open(frozen.textContent, { name, readOnly: true });
  frozen.after(host);
  frozen.hidden = true;
}
