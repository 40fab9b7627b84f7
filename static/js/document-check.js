// What the check says of a document follows what is typed; without this script it stands for the text as it came.
const panel = document.getElementById("verdict");
const text = document.querySelector("textarea[name=text]");
const place = panel?.closest("[data-judge]");
const SILENT = "No answer just now, so this is about an earlier text. What you typed is kept here; the next change asks again.";
let waiting = 0, asking = false, judged = text?.value;

function show(fresh) {
  panel.replaceChildren(...fresh.childNodes);
  panel.dispatchEvent(new CustomEvent("meshline:checked", { bubbles: true }));
}
function tellSilence() {
  if (panel.querySelector(".no-answer")) return;
  const note = Object.assign(document.createElement("p"), { className: "help no-answer", textContent: SILENT });
  panel.prepend(note);
}
// One question at a time: an answer to a text that was changed meanwhile is dropped, and the newest text asked about.
async function judge() {
  if (asking || text.value === judged) return;
  const value = text.value;
  asking = true;
  try {
    const body = new URLSearchParams({ text: value, csrfmiddlewaretoken: text.form.csrfmiddlewaretoken.value });
    const answer = await fetch(place.dataset.judge, { method: "POST", body, credentials: "same-origin" });
    const page = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page && page.getElementById("verdict");
    judged = value;
    if (!fresh) tellSilence();
    else if (value === text.value) show(fresh);
  } catch {
    judged = value;
    tellSilence();
  }
  asking = false;
  if (text.value !== value) soon();
}
function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(judge, 500);
}
if (text && place) text.addEventListener("input", soon);
