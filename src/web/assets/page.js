// The one script of the page. Everything works without it: it only makes the page live and gives it keys.
"use strict";
(() => {
  const body = document.body;
  const STALE_MS = 10000;

  // What the server sends is the whole of a section: it is laid over the old one, so that focus, scroll position,
  // open details and half-written reasons stay.
  const morph = (old, now) => {
    if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName || (old.id || "") !== (now.id || "")) {
      old.replaceWith(document.importNode(now, true));
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== now.nodeValue) old.nodeValue = now.nodeValue;
      return;
    }
    for (const { name, value } of [...now.attributes]) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    const own = old.nodeName === "DETAILS" ? "open" : "value";
    for (const { name } of [...old.attributes]) {
      if (!now.hasAttribute(name) && name !== own) old.removeAttribute(name);
    }
    const before = [...old.childNodes];
    const after = [...now.childNodes];
    after.forEach((child, at) => {
      if (at < before.length) morph(before[at], child);
      else old.append(document.importNode(child, true));
    });
    before.slice(after.length).forEach((child) => child.remove());
  };

  const take = (html, whole) => {
    const parsed = new DOMParser().parseFromString(html, "text/html");
    const main = document.getElementById("main");
    let last = null;
    for (const section of [...parsed.body.children]) {
      const old = document.getElementById(section.id);
      if (old && old.parentElement === main) morph(old, section);
      else if (last) last.after(document.importNode(section, true));
      else main.append(document.importNode(section, true));
      last = document.getElementById(section.id);
    }
    if (!whole) return;
    for (const section of [...main.children]) {
      if (section.nodeName === "SECTION" && !parsed.getElementById(section.id)) section.remove();
    }
  };

  // Times go on though nothing changes; those of a simulated cluster stand still.
  const describe = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000));
    const two = (number) => String(number).padStart(2, "0");
    if (s >= 3600) return `${Math.floor(s / 3600)}h${two(Math.floor(s / 60) % 60)}m`;
    if (s >= 60) return `${Math.floor(s / 60)}m${two(s % 60)}s`;
    return s >= 10 ? `${s}s` : `${(Math.max(0, ms) / 1000).toFixed(1)}s`;
  };
  let ahead = Number(body.dataset.now) - Date.now();
  const now = () => Date.now() + ahead;
  const tick = () => {
    if ("frozen" in body.dataset) return;
    for (const element of document.querySelectorAll("[data-since]")) {
      element.textContent = describe(now() - Number(element.dataset.since));
    }
    for (const element of document.querySelectorAll("[data-ago]")) {
      const words = describe(now() - Number(element.dataset.ago));
      element.textContent = document.documentElement.lang === "en" ? `${words} ago` : `${words}前`;
    }
  };
  setInterval(tick, 1000);

  // The stream. Whatever was missed while it was cut comes whole when it is there again.
  let heard = Date.now();
  if (body.dataset.live !== undefined) {
    const listen = () => {
      const stream = new EventSource(`/live?page=${encodeURIComponent(body.dataset.live)}`);
      stream.addEventListener("sections", (event) => { heard = Date.now(); take(event.data, false); });
      stream.addEventListener("whole", (event) => { heard = Date.now(); take(event.data, true); });
      stream.addEventListener("clock", (event) => {
        heard = Date.now();
        ahead = Number(event.data) - Date.now();
        const clock = document.querySelector("#clock time");
        if (clock) clock.textContent = `+${describe(Number(event.data))}`;
      });
      stream.addEventListener("over", () => { stream.close(); location.reload(); });
      stream.onerror = () => {
        if (stream.readyState !== EventSource.CLOSED) return;
        setTimeout(listen, 2000);
      };
    };
    listen();
    const stale = document.getElementById("stale");
    setInterval(() => {
      const age = Date.now() - heard;
      stale.hidden = age < STALE_MS;
      if (!stale.hidden) document.getElementById("stale-age").textContent = describe(age);
    }, 1000);
  }

  // Keys, but not while somebody writes.
  let went = 0;
  const places = { o: "/", a: "/approvals", s: "/system" };
  const neighbours = (tile, key) => {
    const box = tile.getBoundingClientRect();
    const down = key === "ArrowDown" || key === "ArrowUp";
    const sense = key === "ArrowDown" || key === "ArrowRight" ? 1 : -1;
    const others = [...document.querySelectorAll(".board .tile")].filter((other) => other !== tile);
    const far = (other) => {
      const to = other.getBoundingClientRect();
      const along = (down ? to.top - box.top : to.left - box.left) * sense;
      const across = Math.abs(down ? to.left - box.left : to.top - box.top);
      if (along < 4 || (down && across > 4)) return Infinity;
      return along + across / 2;
    };
    others.sort((one, other) => far(one) - far(other));
    return others.length && far(others[0]) < Infinity ? others[0] : null;
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    if (target.closest("input, textarea, select")) {
      if (event.key === "Escape") target.blur();
      return;
    }
    if (event.key === "Escape") {
      for (const act of document.querySelectorAll("details.act[open]")) {
        act.open = false;
        act.querySelector("summary").focus();
      }
    }
    if (event.key === "/") {
      const field = document.getElementById("q");
      if (field) { event.preventDefault(); field.focus(); }
    }
    if (event.key.startsWith("Arrow") && target.closest(".tile")) {
      const next = neighbours(target.closest(".tile"), event.key);
      if (next) { event.preventDefault(); next.focus(); }
    }
    if (event.key === "g") { went = Date.now(); return; }
    if (Date.now() - went < 1500 && places[event.key]) location.assign(places[event.key]);
    went = 0;
  });
})();
