/* Page behaviour. Plain ES2019 (Chromium 90, Firefox 91), handlers delegated from the document, so that content which
   htmx swaps in works without being bound again. Texts come from data- attributes that the server rendered. */
(function () {
  "use strict";

  document.documentElement.classList.add("js");
  const one = (selector, root) => (root || document).querySelector(selector);
  const all = (selector, root) => Array.from((root || document).querySelectorAll(selector));
  const text = (name) => document.body.dataset["text" + name];
  const kept = {
    get(name) { try { return window.localStorage.getItem("duban." + name); } catch (error) { return null; } },
    set(name, value) { try { window.localStorage.setItem("duban." + name, value); } catch (error) { /* private windows keep nothing */ } },
  };

  /* ---- telling ---- */

  function say(words) {
    const live = one("#live");
    live.textContent = "";
    setTimeout(() => { live.textContent = words; }, 50);
  }

  function toast(words, options) {
    const more = options || {};
    const box = document.createElement("div");
    box.className = "toast-x" + (more.bad ? " toast-bad" : "");
    const line = document.createElement("span");
    line.textContent = words;
    box.appendChild(line);
    if (more.url) {
      const link = document.createElement("a");
      link.href = more.url;
      link.textContent = more.action;
      box.appendChild(link);
    } else if (more.bad) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text("Dismiss");
      button.addEventListener("click", () => box.remove());
      box.appendChild(button);
    }
    one("#toasts").appendChild(box);
    say(words);
    setTimeout(() => box.remove(), more.bad ? 30000 : 12000);
  }

  setTimeout(() => all("#toasts .toast-x").forEach((box) => box.remove()), 12000);

  /* ---- the decision panel: a row of its own under a queue row, or inside a card ---- */

  const typed = {}; /* opinions of closed forms, kept until the page is left: nothing stays on a shared computer */

  const panelOf = (place) => (place.matches("[data-card]") ? one("form[data-decide]", place) : one("#panel-" + place.dataset.id));
  const placeOf = (form) => form.closest("[data-card]") || one("#row-" + form.dataset.decide);

  function remember(form) {
    const opinion = one("[data-opinion]", form);
    if (opinion) typed[form.dataset.decide] = opinion.value;
  }

  function closePanel(place, focus) {
    const panel = place && panelOf(place);
    if (!panel) return;
    remember(panel.matches("form") ? panel : one("form", panel));
    panel.remove();
    place.classList.remove("is-open");
    all("[aria-expanded]", place).forEach((button) => button.setAttribute("aria-expanded", "false"));
    if (focus) place.focus();
  }

  function shape(url, name) {
    return url + (url.indexOf("?") < 0 ? "?" : "&") + "shape=" + name;
  }

  function openPanel(button) {
    const place = button.closest("[data-id]");
    all("[data-id].is-open").forEach((other) => closePanel(other, false));
    place.classList.add("is-open");
    if (button.hasAttribute("aria-expanded")) button.setAttribute("aria-expanded", "true");
    if (place.matches("[data-card]")) window.htmx.ajax("GET", shape(button.dataset.panel, "card"), { target: one(".card-p", place), swap: "innerHTML" });
    else window.htmx.ajax("GET", shape(button.dataset.panel, "row"), { target: place, swap: "afterend" });
  }

  /* Focus goes to the first bad field, else to what was marked for it, else to the opinion of a fresh form. */
  function settle(root) {
    const bad = one("[aria-invalid=true]", root);
    const marked = one("[data-focus]", root);
    const form = root.matches("form[data-decide]") ? root : one("form[data-decide]", root);
    if (form) {
      const opinion = one("[data-opinion]", form);
      if (opinion && !opinion.value && typed[form.dataset.decide]) opinion.value = typed[form.dataset.decide];
      if (!bad && !marked && !form.matches(".pn-page")) (one(".inputs input, .inputs select, .inputs textarea", form) || opinion || one("button:not([disabled])", form)).focus();
    }
    if (bad) bad.focus();
    else if (marked) marked.focus();
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    const said = event.detail.xhr.getResponseHeader("Duban-Reason");
    if (said && !event.detail.isError) { /* refused, and there is no form to show it in */
      event.detail.shouldSwap = false;
      toast(decodeURIComponent(said), { bad: true });
      return;
    }
    const form = event.target.closest && event.target.closest("form[data-decide]");
    if (form && event.detail.xhr.status !== 200) typed[form.dataset.decide] = undefined; /* the answer brings the text back */
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const root = event.target;
    if (root.nodeType !== 1 || !root.isConnected) return;
    const panel = root.matches("[data-id]:not([data-card])") ? one("#panel-" + root.dataset.id) : root;
    if (panel && (panel.matches("[data-panel-of],form[data-decide],.card-p,#bulk-box") || panel.closest("#bulk-box"))) settle(panel);
  });

  /* ---- after the server has decided: {id, text, action, url} in HX-Trigger ---- */

  document.addEventListener("decided", (event) => {
    const told = event.detail;
    const place = one("#row-" + told.id);
    delete typed[told.id];
    if (place) {
      const others = all("[data-id]");
      const at = others.indexOf(place);
      const next = others[at + 1] || others[at - 1];
      const panel = panelOf(place);
      if (panel) panel.remove();
      place.remove();
      if (next) rove(next);
      else one("#main").focus();
    }
    showSelection();
    toast(told.text, { url: told.url, action: told.action });
  });

  /* ---- what the network or the server refused ---- */

  document.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    const said = event.detail.xhr.getResponseHeader("Duban-Reason");
    const token = event.detail.xhr.getResponseHeader("Duban-Token"); /* signed in again meanwhile: the forms go on with the new one */
    if (token) all("input[name=csrfmiddlewaretoken]").forEach((field) => { field.value = token; });
    if (said) toast(decodeURIComponent(said), { bad: true });
    else if (status === 401) toast(text("SignedOut"), { bad: true });
    else if (status === 403) toast(text("Forbidden"), { bad: true });
    else if (status === 404 || status === 410) toast(text("Gone"), { bad: true });
    else toast(text("Failed"), { bad: true });
    all("[data-id].is-open").forEach((place) => { if (!panelOf(place)) place.classList.remove("is-open"); });
  });
  document.addEventListener("htmx:sendError", () => toast(text("Failed"), { bad: true }));
  document.addEventListener("htmx:timeout", () => toast(text("Failed"), { bad: true }));

  /* ---- selection: only what is of one kind, at one step and not overdue may be decided together ---- */

  function showSelection() {
    const bar = one("#bulk-form");
    if (!bar) return;
    const boxes = all(".ck");
    const chosen = boxes.filter((box) => box.checked);
    const rows = chosen.map((box) => box.closest("tr"));
    boxes.forEach((box) => box.closest("tr").classList.toggle("is-sel", box.checked));
    const every = one("#all");
    every.checked = chosen.length > 0 && chosen.length === boxes.length;
    every.indeterminate = chosen.length > 0 && chosen.length < boxes.length;
    bar.hidden = !chosen.length;
    one("#bulk-n").textContent = chosen.length;
    one("#bulk-box").textContent = "";
    if (!chosen.length) return;
    const groups = new Set(rows.map((row) => row.dataset.group));
    const first = rows[0].dataset;
    const note = one("#bulk-note");
    const why = groups.size > 1 ? bar.dataset.different : rows.some((row) => row.dataset.lamp === "red") ? bar.dataset.overdue : first.bulk ? "" : bar.dataset.single;
    note.textContent = why || bar.dataset.same + " " + first.group;
    note.classList.toggle("is-warn", Boolean(why));
    const go = one("#bulk-ok");
    go.disabled = Boolean(why);
    go.value = why ? "" : first.bulk;
    if (!why) one("#bulk-verb").textContent = first.bulkLabel;
  }

  let lastBox = null;
  function pick(box, range) {
    const boxes = all(".ck");
    const at = boxes.indexOf(box);
    const from = boxes.indexOf(lastBox);
    if (range && from >= 0) for (let n = Math.min(at, from); n <= Math.max(at, from); n++) boxes[n].checked = box.checked;
    lastBox = box;
    showSelection();
  }

  /* ---- why this date ---- */

  let popup = null;
  function hideWhy() {
    if (!popup) return;
    popup.button.setAttribute("aria-expanded", "false");
    popup.box.remove();
    popup = null;
  }
  function showWhy(button) {
    const again = popup && popup.button === button;
    hideWhy();
    if (again) return;
    const source = one(".why-src", button.parentElement.parentElement);
    const box = document.createElement("div");
    box.className = "pop-x";
    box.setAttribute("role", "note");
    Array.from(source.children).forEach((part) => box.appendChild(part.cloneNode(true)));
    one("#main").appendChild(box);
    const spot = button.getBoundingClientRect();
    const below = spot.bottom + 4 + box.offsetHeight < window.innerHeight;
    box.style.top = (window.pageYOffset + (below ? spot.bottom + 4 : Math.max(4, spot.top - box.offsetHeight - 4))) + "px";
    box.style.left = Math.max(8, Math.min(spot.left - 180, document.documentElement.clientWidth - box.offsetWidth - 8)) + "px";
    button.setAttribute("aria-expanded", "true");
    popup = { box, button };
    say(all("dt,dd,p", box).map((part) => part.textContent).join(" "));
  }

  /* ---- clicks ---- */

  const clicks = [
    ["[data-panel]", (button) => openPanel(button)],
    ["[data-reopen]", (button) => {
      const form = button.closest("form");
      remember(form);
      window.htmx.ajax("GET", button.dataset.reopen + "&part=form", { target: form, swap: "outerHTML" });
    }],
    ["[data-close]", (button) => closePanel(placeOf(button.closest("form")), true)],
    ["[data-phrase]", (button) => {
      const opinion = one("[data-opinion]", button.closest("form"));
      opinion.value += button.textContent;
      opinion.focus();
    }],
    ["[data-dialog]", (button) => {
      const dialog = one("#" + button.dataset.dialog);
      if (dialog.showModal) dialog.showModal();
      else { dialog.setAttribute("open", ""); dialog.classList.add("is-flat"); one("button", dialog).focus(); }
    }],
    ["[data-dialog-close]", (button) => {
      const dialog = button.closest("dialog");
      if (dialog.close) dialog.close();
      else dialog.removeAttribute("open");
    }],
    ["[data-unselect]", () => { all(".ck").forEach((box) => { box.checked = false; }); showSelection(); }],
    ["[data-empty]", (button) => { one(button.dataset.empty).textContent = ""; }],
    ["[data-toggle]", (button) => {
      const box = one("#" + button.dataset.toggle);
      box.hidden = !box.hidden;
      button.setAttribute("aria-expanded", String(!box.hidden));
      const other = one("#" + button.dataset.toggleOff);
      if (other) other.hidden = !box.hidden;
    }],
    ["[data-nav]", (button) => {
      const open = one("#nav").classList.toggle("is-open");
      button.setAttribute("aria-expanded", String(open));
    }],
    ["[data-print]", () => window.print()],
    ["[data-compact]", (button) => {
      const on = document.body.classList.toggle("compact");
      button.setAttribute("aria-pressed", String(on));
      kept.set("compact", on ? "yes" : "no");
    }],
    ["[data-fill]", (button) => {
      one("#id_username").value = button.dataset.fill;
      one("#id_password").value = button.dataset.fillPassword;
      one("#id_password").closest("form").querySelector("button").focus();
    }],
  ];

  document.addEventListener("click", (event) => {
    const why = event.target.closest(".why");
    if (why) return showWhy(why);
    if (!event.target.closest(".pop-x")) hideWhy();
    all("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target) || event.target.closest(".menu-i")) menu.open = false; });
    if (event.target.matches(".ck")) return pick(event.target, event.shiftKey);
    if (event.target.id === "all") { all(".ck").forEach((box) => { box.checked = event.target.checked; }); return showSelection(); }
    for (const [selector, act] of clicks) {
      const found = event.target.closest(selector);
      if (found) return act(found);
    }
  });

  /* A drop-down of the filters is applied at once: by a click, so that the address carries what the form holds. */
  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-filters]");
    if (form && event.target.matches("select")) one("button", form).click();
    if (event.target.matches("[data-letters]")) kept.set("letters", event.target.checked ? "on" : "off");
  });

  /* ---- keyboard: single letters act only while the focus is in the list (WCAG 2.1.4), and can be switched off ---- */

  const stops = () => all("#rows .r, #cards [data-card]");
  function rove(place) {
    stops().forEach((other) => { other.tabIndex = -1; });
    place.tabIndex = 0;
    place.focus();
    if (place.scrollIntoView) place.scrollIntoView({ block: "nearest" });
  }
  function step(place, by) {
    const places = stops();
    const next = places[places.indexOf(place) + by];
    if (next) rove(next);
  }

  function letter(key, place, event) {
    if (key === "j" || key === "ArrowDown") { event.preventDefault(); step(place, 1); }
    else if (key === "k" || key === "ArrowUp") { event.preventDefault(); step(place, -1); }
    else if (key === "x" && one(".ck", place)) { const box = one(".ck", place); box.checked = !box.checked; pick(box, false); }
    else if (key === "a" && one("[data-tone=forward]", place)) { event.preventDefault(); openPanel(one("[data-tone=forward]", place)); }
    else if (key === "r" && one("[data-tone=back]", place)) { event.preventDefault(); openPanel(one("[data-tone=back]", place)); }
    else if (key === "o" && one("[data-open]", place)) one("[data-open]", place).click();
  }

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return; /* the input method is still at work */
    const target = event.target;
    const form = target.closest && target.closest("form[data-decide]");
    if (event.key === "Escape") {
      const menu = target.closest && target.closest("details.menu[open]");
      if (menu) { menu.open = false; one("summary", menu).focus(); return; }
      if (popup) { const button = popup.button; hideWhy(); button.focus(); return; }
      if (form && !form.matches(".pn-page")) closePanel(placeOf(form), true);
      return;
    }
    if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      const send = one("[data-main]", form);
      if (send) send.click(); /* click, not requestSubmit: htmx 2 sends the pressed button's name and value only after a click */
      return;
    }
    if (form && event.key === "Enter" && target.matches("input")) { event.preventDefault(); return; } /* nothing is decided by one key */
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.matches && target.matches("textarea,select,input:not([type=checkbox])")) return;
    const place = target.closest && target.closest("[data-id]");
    if (event.key === "/" && kept.get("letters") !== "off" && one("#f-q")) { event.preventDefault(); one("#f-q").focus(); return; }
    if (!place || form || kept.get("letters") === "off") return;
    if (event.key === "?" && one("[data-dialog=keys]")) one("[data-dialog=keys]").click();
    else if (event.key.startsWith("Arrow") ? target === place : true) letter(event.key.length === 1 ? event.key.toLowerCase() : event.key, place, event);
  });

  /* ---- at the start ---- */

  stops().forEach((place, n) => { place.tabIndex = n ? -1 : 0; });
  if (kept.get("compact") === "yes") {
    document.body.classList.add("compact");
    all("[data-compact]").forEach((button) => button.setAttribute("aria-pressed", "true"));
  }
  all("[data-letters]").forEach((box) => { box.checked = kept.get("letters") !== "off"; });
  if (one("[aria-invalid=true]")) one("[aria-invalid=true]").focus();
  showSelection();
})();
