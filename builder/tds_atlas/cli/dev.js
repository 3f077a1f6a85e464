// Loads the page again when `tds dev` has built it, and shows what went wrong. Sent with each page, not part of it.
(() => {
  "use strict";
  let version = -1;
  async function look() {
    try {
      const state = await (await fetch("/__tds_dev", { cache: "no-store" })).json();
      if (version >= 0 && state.version !== version) return location.reload();
      version = state.version;
      let bar = document.getElementById("tds-dev");
      if (!bar && state.message) {
        bar = document.createElement("pre");
        bar.id = "tds-dev";
        bar.setAttribute("role", "alert");
        bar.style.cssText =
          "position:fixed;inset:auto 0 0;margin:0;padding:12px;z-index:99;white-space:pre-wrap;" +
          "background:#7a1f12;color:#fff;font:14px/1.4 monospace";
        document.body.append(bar);
      }
      if (bar && bar.textContent !== state.message) bar.textContent = state.message;
      if (bar) bar.hidden = !state.message;
    } catch {
      /* the server has ended */
    }
    setTimeout(look, 300);
  }
  look();
})();
