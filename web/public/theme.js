// Runs before the first paint, so that a chosen theme and language never flash in late.
(function () {
  try {
    var theme = localStorage.getItem('madang.theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
    var language = localStorage.getItem('madang.language') || (/^ko\b/i.test(navigator.language) ? 'ko' : 'en');
    document.documentElement.lang = language;
  } catch (_) {
    // Storage may be closed to us; the defaults stand.
  }
})();
