// The verdict beside a contract's text follows what is typed; without this script it stands for the saved text.
"use strict";
(() => {
  const panel = () => document.getElementById("verdict");
  const text = document.querySelector("textarea[name=text]");
  const place = panel() && panel().closest("[data-judge]");
  if (!text || !place) return;
  let waiting = 0, asked = 0, judged = text.value;

  async function judge() {
    if (text.value === judged) return;
    const mine = ++asked, value = text.value;
    const body = new URLSearchParams({ text: value, csrfmiddlewaretoken: text.form.csrfmiddlewaretoken.value });
    try {
      const answer = await fetch(place.dataset.judge, { method: "POST", body, credentials: "same-origin" });
      if (!answer.ok || mine !== asked) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("verdict");
      if (fresh) { panel().replaceWith(fresh); judged = value; }
    } catch { /* the next change asks again */ }
  }
  const soon = () => { clearTimeout(waiting); waiting = setTimeout(judge, 500); };
  text.addEventListener("input", soon);
  text.addEventListener("meshline:text", soon);
})();
