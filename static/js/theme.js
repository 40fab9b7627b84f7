// Runs before the first paint, so that a chosen theme never flashes. Django admin keeps its choice under the same name.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is blocked: the system's theme it is.
}
