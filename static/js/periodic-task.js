// The administration's page of a periodic task: say in words what the chosen crontab means.
const readable = JSON.parse(document.getElementById("readable-crontabs").textContent);
const choice = document.getElementById("id_crontab");
document.querySelector(".field-crontab_translation")?.setAttribute("hidden", "");
choice?.addEventListener("change", () => {
  const help = document.querySelector(".field-crontab .help");
  if (!help) return;
  let words = help.querySelector("output");
  if (!words) help.append(document.createElement("br"), (words = document.createElement("output")));
  words.textContent = readable[choice.value] ?? "";
});
