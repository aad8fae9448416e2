"use strict";
(function () {
  const offline = document.getElementById("offline");
  const LIVE = 500, QUIET = 3000;
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const hidden = async () => { while (document.hidden) await wait(250); };

  function reached(problem) {
    offline.hidden = !problem;
    offline.textContent = problem || "";
  }

  // A part of the page is replaced when the server has a newer one. What has the focus keeps it.
  function replace(part, html) {
    const reachable = () => Array.from(part.querySelectorAll("a[href], button, input, select, summary"));
    const active = reachable().indexOf(document.activeElement);
    const scrolled = Array.from(part.querySelectorAll(".scroll"), (box) => [box.scrollLeft, box.scrollTop]);
    part.innerHTML = html;
    part.querySelectorAll(".scroll").forEach((box, i) => { [box.scrollLeft, box.scrollTop] = scrolled[i] || [0, 0]; });
    const again = reachable()[active];
    if (again) again.focus({ preventScroll: true });
  }

  async function follow(part) {
    const query = part.dataset.query ? "?" + part.dataset.query : "";
    let etag = part.dataset.etag, pause = LIVE;
    for (;;) {
      await wait(pause);
      await hidden();
      try {
        const answer = await fetch(part.dataset.poll + query, { headers: etag ? { "If-None-Match": etag } : {}, cache: "no-store" });
        if (answer.ok) {
          etag = answer.headers.get("ETag") || "";
          replace(part, await answer.text());
          part.dispatchEvent(new Event("replaced", { bubbles: true }));
        }
        const known = answer.ok || answer.status === 304;
        reached(known ? "" : "The server answers with an error (" + answer.status + "). What is shown is older.");
        if (!known) continue;
        const ended = part.dataset.live === "1" && answer.headers.get("X-Live") !== "1";
        part.dataset.live = answer.headers.get("X-Live") || "0";
        pause = part.dataset.live === "1" ? LIVE : QUIET;
        if (ended && part.id === "now") location.reload();
      } catch (error) {
        reached("The server does not answer. What is shown is older.");
        pause = QUIET;
      }
    }
  }
  for (const part of document.querySelectorAll("[data-poll]")) follow(part);

  // The log: what is new is added. It follows the node that runs, unless one was chosen.
  const log = document.getElementById("log");
  async function followLog() {
    let node = "", next = "";
    for (;;) {
      const wanted = log.dataset.pinned ? document.getElementById("log-name").textContent : document.getElementById("verdict").dataset.log;
      if (wanted !== node) {
        node = wanted;
        next = "";
        log.textContent = "";
        document.getElementById("log-name").textContent = node;
      }
      let more = false;
      if (node) {
        try {
          const answer = await fetch(log.dataset.log + "?log=" + encodeURIComponent(node) + "&from=" + next, { cache: "no-store" });
          if (answer.ok) {
            const piece = await answer.json();
            const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
            if (piece.anew) log.textContent = piece.cut ? "… only the end is shown\n" : "";
            if (piece.text) log.append(piece.text);
            more = piece.text.length > 0 && next !== "";
            next = piece.next;
            if (atEnd) log.scrollTop = log.scrollHeight;
          }
        } catch (error) { /* the other part of the page says so */ }
      }
      await wait(more || document.getElementById("now").dataset.live === "1" ? LIVE : 1500);
      await hidden();
    }
  }
  if (log) followLog();
})();
