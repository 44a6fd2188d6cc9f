// The list of all objects: told by `panels/objects.py`, drawn as far as it can be seen, sorted and filtered here.
// What a person does in it goes to the session, and comes back as what is selected; the list itself changes nothing.
{
  const { channel, element } = window.gsseg;
  const ROW = 44; // pixels; the height of a row in list.css
  const SPARE = 6; // rows drawn beyond either end of what is seen
  const NARROW = 1200; // pixels of a page on which the list starts closed: else it covers what it is about
  const SORTS = {
    name: { label: "name", hint: "by name", of: (row) => row.name.toLowerCase() },
    kind: { label: "class", hint: "by class, those without one last", of: (row) => row.kind || "\uffff" },
    gaussians: { label: "count", hint: "by number of Gaussians", of: (row) => -row.gaussians },
    size: { label: "size", hint: "by the longest side, scene units", of: (row) => -row.size },
    agreement: { label: "sure", hint: "by agreement of the masks, least sure first", of: (row) => row.agreement },
  };
  const SHOWS = {
    all: () => true,
    unnamed: (row) => !row.named,
    selected: (row, selected) => selected.has(row.id),
    hidden: (row) => row.hidden,
    locked: (row) => row.locked,
  };
  const EYE = "M2 12s4-7 10-7 10 7 10 7-4 7-10 7-10-7-10-7zm10-3a3 3 0 100 6 3 3 0 000-6z";
  const SHUT = "M2 12s4-7 10-7 10 7 10 7-4 7-10 7-10-7-10-7zM4 20L20 4";
  const LOCK = "M6 11h12v9H6zM8 11V8a4 4 0 018 0v3";
  const OPEN = "M6 11h12v9H6zM8 11V8a4 4 0 017.5-2";

  const icon = (path) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    made.setAttribute("viewBox", "0 0 24 24");
    made.setAttribute("aria-hidden", "true");
    line.setAttribute("d", path);
    made.append(line);
    return made;
  };
  const rgb = (color) => `rgb(${color >> 16}, ${(color >> 8) & 255}, ${color & 255})`;
  const short = (count) =>
    count < 10000 ? count.toLocaleString("en") : count < 1e6 ? `${Math.round(count / 1e3)}k` : `${(count / 1e6).toFixed(1)}M`;

  class ObjectList extends HTMLElement {
    rows = [];
    shown = [];
    selected = new Set();
    classes = [];
    fits = null; // id -> how well words fit, while objects are found by meaning
    sort = "gaussians";
    turned = false;
    from = null; // id from which shift chooses
    at = null; // id that the arrow keys are at
    pictures = new Map(); // id -> address of its picture, or "" while it is asked for

    connectedCallback() {
      this.toggle = element("button", { class: "toggle", title: "Show or hide the list (O)", onclick: () => this.fold() }, "Objects");
      this.progress = element("span", { class: "progress" });
      this.bar = element("i");
      this.filter = element("input", {
        type: "search", placeholder: "Name, class or id  ( / )", "aria-label": "Filter", maxlength: "200",
        oninput: () => { this.fits = null; this.arrange(); },
        onkeydown: (event) => this.filterKey(event),
      });
      this.meaning = element("button", {
        class: "meaning", title: "Find by meaning: objects that look like what the words say", hidden: true,
        onclick: () => channel.tell("list", "meaning", { text: this.filter.value }),
      }, "≈");
      this.shows = element("select", { "aria-label": "Show", onchange: () => this.arrange() },
        ...Object.keys(SHOWS).map((each) => element("option", { value: each }, each)));
      this.heads = Object.entries(SORTS).map(([key, { label, hint }]) =>
        element("button", { class: `head ${key}`, title: `Sort ${hint}`, onclick: () => this.sortBy(key) }, label));
      this.space = element("div", { class: "space" });
      this.body = element("div", {
        class: "rows", role: "listbox", tabindex: "0", "aria-multiselectable": "true", "aria-label": "Objects",
        onscroll: () => this.draw(), onkeydown: (event) => this.key(event), onpointerleave: () => this.hover(null),
      }, this.space);
      this.found = element("div", { class: "found" });
      this.append(
        element("header", {}, this.toggle, this.progress),
        element("div", { class: "track" }, this.bar),
        element("div", { class: "tools" }, this.filter, this.meaning, this.shows),
        element("div", { class: "heads" }, ...this.heads),
        this.body,
        this.found,
      );
      this.classList.toggle("folded", innerWidth < NARROW);
      channel.on("list", "rows", (told) => this.take(told));
      channel.on("list", "classes", (told) => { this.classes = told; this.take(this.told); });
      channel.on("list", "fits", (told) => { this.fits = new Map(told.ids.map((id, k) => [id, told.values[k]])); this.arrange(); });
      channel.on("list", "selected", (told) => this.mark(told));
      new ResizeObserver(() => this.draw()).observe(this.body);
    }

    take(told) {
      if (!told) return;
      this.told = told;
      this.rows = told.ids.map((id, k) => ({
        id, name: told.names[k], color: told.colors[k], gaussians: told.gaussians[k], size: told.sizes[k],
        agreement: told.agreement[k], hidden: told.hidden[k], locked: told.locked[k], picture: told.pictures[k],
        named: told.named[k], sure: told.sure[k], kind: this.classes[told.classes[k]]?.name ?? "", tint: this.classes[told.classes[k]]?.color,
      }));
      for (const row of this.rows) if (!row.picture) this.pictures.delete(row.id);
      const named = this.rows.filter((row) => row.named).length;
      this.progress.textContent = this.rows.length ? `${named} of ${this.rows.length} named` : "none";
      this.bar.style.width = `${(100 * named) / Math.max(1, this.rows.length)}%`;
      this.meaning.toggleAttribute("hidden", !told.meaning);
      this.arrange();
    }

    arrange() {
      const words = this.fits ? [] : this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      const show = SHOWS[this.shows.value];
      const fitting = (row) =>
        show(row, this.selected) && (!this.fits || this.fits.has(row.id)) &&
        words.every((word) => row.name.toLowerCase().includes(word) || row.kind.toLowerCase() === word || word === String(row.id));
      const key = this.fits ? (row) => -this.fits.get(row.id) : SORTS[this.sort].of;
      const sign = this.turned && !this.fits ? -1 : 1;
      const compare = (a, b) => {
        const [one, other] = [key(a), key(b)];
        return one < other ? -sign : one > other ? sign : a.id - b.id;
      };
      this.shown = this.rows.filter(fitting).sort(compare);
      this.space.style.height = `${ROW * this.shown.length}px`;
      this.found.textContent =
        this.shown.length === this.rows.length ? "" : `${this.shown.length} of ${this.rows.length}${this.fits ? ", best fit first" : ""}`;
      for (const head of this.heads) {
        const mine = head.classList.contains(this.sort) && !this.fits;
        head.setAttribute("aria-sort", !mine ? "none" : this.turned ? "descending" : "ascending");
      }
      this.draw();
    }

    sortBy(key) {
      this.turned = this.sort === key && !this.turned;
      this.sort = key;
      this.arrange();
    }

    draw() {
      const first = Math.max(0, Math.floor(this.body.scrollTop / ROW) - SPARE);
      const last = Math.min(this.shown.length, Math.ceil((this.body.scrollTop + this.body.clientHeight) / ROW) + SPARE);
      this.space.replaceChildren(...this.shown.slice(first, last).map((row, k) => this.line(row, first + k)));
    }

    line(row, index) {
      const sure = row.agreement < 0 ? "–" : `${Math.round(100 * row.agreement)}%`;
      const fit = this.fits ? `${Math.round(100 * this.fits.get(row.id))}% ` : "";
      const kind = row.kind ? element("span", { class: "kind" }, row.kind) : element("span", { class: "kind none" }, row.named ? "" : "unnamed");
      if (row.sure >= 0) kind.append(element("span", { class: "guess" }, ` · ${row.sure}% sure`));
      if (row.tint !== undefined) kind.style.setProperty("--tint", rgb(row.tint));
      const line = element("div", {
        class: ["row", this.selected.has(row.id) && "on", row.hidden && "out", this.at === row.id && "at"].filter(Boolean).join(" "),
        role: "option", "aria-selected": String(this.selected.has(row.id)), "data-id": row.id,
        title: `${row.name}\nid ${row.id}, ${row.gaussians.toLocaleString("en")} Gaussians\nDouble-click: look at it`,
        onclick: (event) => this.choose(row.id, event),
        ondblclick: () => channel.tell("list", "look", { ids: [row.id] }),
        onpointerenter: () => this.hover(row.id),
      }, this.thumbnail(row),
        element("div", { class: "what" }, element("span", { class: "name" }, fit + row.name), kind),
        element("span", { class: "number" }, short(row.gaussians)),
        element("span", { class: "number" }, row.size.toPrecision(2).replace(/\.?0+$/, (end) => (end.includes(".") ? "" : end))),
        element("span", { class: `number sure${row.agreement >= 0 && row.agreement < 0.65 ? " low" : ""}` }, sure),
        this.button(row, "hide", row.hidden, row.hidden ? SHUT : EYE, row.hidden ? "Show it again" : "Hide it"),
        this.button(row, "lock", row.locked, row.locked ? LOCK : OPEN, row.locked ? "Unlock it" : "Lock it: edits are refused"));
      line.style.top = `${ROW * index}px`;
      const others = this.others?.get(row.id) ?? [];
      if (others.length) {
        line.title += `\nSelected by ${others.map(({ name }) => name).join(", ")}`;
        line.dataset.others = others.map(({ name }) => name).join(", ");
        line.style.outlineColor = rgb(others[0].color);
      }
      return line;
    }

    // Address of an object's picture, "" where it has none or it is still on its way.
    address(id) {
      const row = this.rows.find((each) => each.id === id);
      if (row?.picture && !this.pictures.has(id)) {
        this.pictures.set(id, "");
        channel.on("list", `picture ${id}`, (content) => {
          // A picture is bytes that only an image element ever reads: what is no JPEG shows nothing.
          this.pictures.set(id, URL.createObjectURL(new Blob([content], { type: "image/jpeg" })));
          this.draw();
          document.querySelector("gsseg-guide")?.say(document.querySelector("gsseg-guide").told);
        });
        channel.tell("list", "picture", { ids: [id] });
      }
      return row?.picture ? this.pictures.get(id) : "";
    }

    thumbnail(row) {
      const place = element("span", { class: "picture" });
      place.style.setProperty("--swatch", rgb(row.color));
      const address = this.address(row.id);
      if (address) place.append(element("img", { src: address, alt: "", draggable: "false" }));
      return place;
    }

    button(row, action, on, path, hint) {
      return element("button", {
        class: `${action}${on ? " on" : ""}`, title: hint, "aria-label": hint, "aria-pressed": String(on), tabindex: "-1",
        onclick: (event) => { event.stopPropagation(); channel.tell("list", on ? `un${action}` : action, { ids: [row.id] }); },
        ondblclick: (event) => event.stopPropagation(),
      }, icon(path));
    }

    choose(id, event) {
      this.at = id;
      if (event.shiftKey && this.from !== null) {
        const [one, other] = [this.from, id].map((each) => this.shown.findIndex((row) => row.id === each));
        const ids = this.shown.slice(Math.min(one, other), Math.max(one, other) + 1).map((row) => row.id);
        channel.tell("list", event.ctrlKey || event.metaKey ? "add" : "choose", { ids });
      } else {
        this.from = id;
        channel.tell("list", event.ctrlKey || event.metaKey ? "turn" : "choose", { ids: [id] });
      }
    }

    key(event) {
      const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
      if (step !== undefined && this.shown.length) {
        const now = this.shown.findIndex((row) => row.id === this.at);
        const next = Math.min(this.shown.length - 1, Math.max(0, now + step));
        this.reveal(next);
        this.choose(this.shown[next].id, event);
      } else if (event.key === "Enter" && this.at !== null) channel.tell("list", "look", { ids: [this.at] });
      else return;
      event.preventDefault();
      event.stopPropagation();
    }

    filterKey(event) {
      if (event.key === "Escape") { this.filter.value = ""; this.fits = null; this.arrange(); this.filter.blur(); }
      else if (event.key === "Enter" && this.shown.length) {
        this.at = this.from = this.shown[0].id;
        channel.tell("list", "choose", { ids: [this.at] });
        this.filter.blur();
      } else if (event.key === "ArrowDown") this.body.focus();
      else return;
      event.preventDefault();
      event.stopPropagation();
    }

    reveal(index) {
      const top = ROW * index;
      if (top < this.body.scrollTop) this.body.scrollTop = top;
      else if (top + ROW > this.body.scrollTop + this.body.clientHeight) this.body.scrollTop = top + ROW - this.body.clientHeight;
    }

    hover(id) {
      if (this.hovered === id) return;
      this.hovered = id;
      clearTimeout(this.waiting); // a pointer that only passes lights nothing
      this.waiting = setTimeout(() => channel.tell("list", "hover", { ids: id === null ? [] : [id] }), id === null ? 0 : 80);
    }

    mark(ids) {
      this.selected = new Set(ids);
      if (ids.length === 1 && this.at !== ids[0]) {
        this.at = this.from = ids[0];
        const index = this.shown.findIndex((row) => row.id === ids[0]);
        if (index >= 0) this.reveal(index);
      }
      this.shows.value === "selected" ? this.arrange() : this.draw();
    }

    // What others have selected: lines of their colour, their names in the hint.
    share(others) {
      this.others = new Map();
      for (const each of others) for (const id of each.selected) this.others.set(id, [...(this.others.get(id) ?? []), each]);
      this.draw();
    }

    fold() {
      this.classList.toggle("folded");
      this.draw();
    }

    find() {
      this.classList.remove("folded");
      this.filter.focus();
      this.filter.select();
    }
  }
  customElements.define("gsseg-list", ObjectList);
  addEventListener("DOMContentLoaded", () => document.body.append(document.createElement("gsseg-list")));
}
