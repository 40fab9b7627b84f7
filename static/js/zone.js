// Tells the server in which zone its reader lives, so that its pages speak of the reader's hours.
{
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const secure = location.protocol === "https:" ? "; secure" : "";
  if (zone && !document.cookie.includes(`meshline_zone=${zone}`)) {
    document.cookie = `meshline_zone=${zone}; path=/; max-age=31536000; samesite=lax${secure}`;
  }
}
