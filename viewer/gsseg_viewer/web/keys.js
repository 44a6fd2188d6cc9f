// Keys that viser does not hand on, or that mean something only while they are held. All others are commands of viser's
// (`gsseg_viewer/commands.py`); either way the session decides what a key does.
//
//   1 ... 0, with Shift too; Enter; ?   go to the session
//   S                                   flies back while it is held, as W A D do; tapped, it goes to the session
//   Space                               shows the photo while it is held
//   O, /                                show or hide the list; go to its filter
{
  const { channel, element } = window.gsseg;
  const TAP_MS = 220; // a key that is held for less was not meant to fly
  const FLYING = new Set(["KeyW", "KeyA", "KeyD", "KeyQ", "KeyE"]);

  const press = (key) => channel.tell("guide", "press", { text: key });
  const typing = () => document.activeElement?.matches?.("input, textarea, select, [contenteditable]");
  const list = () => document.querySelector("gsseg-list");

  // The palette takes a moment to open: what is typed meanwhile is meant for it, and no key of anything.
  const OPENING_MS = 4000;
  let early = null; // letters, and whether Enter was pressed, until its field has them
  addEventListener("keydown", (event) => {
    const calls = (event.ctrlKey || event.metaKey) && (event.code === "KeyK" || (event.code === "KeyP" && event.shiftKey));
    if (calls && !typing()) early = { text: "", enter: false, found: false, until: performance.now() + OPENING_MS };
    if (!early || calls || event.ctrlKey || event.metaKey || event.altKey) return;
    const late = event.key === "Escape" || performance.now() > early.until;
    if ((typing() && !early.found) || late) return void (early = null);
    if (event.key === "Enter") early.enter = true;
    else if (event.key === "Backspace") early.text = early.text.slice(0, -1);
    else if (event.key.length === 1) early.text += event.key;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  addEventListener("focusin", ({ target }) => {
    if (!early || !target.matches?.("[role=dialog] input")) return;
    early.found = true; // keys that come before the letters are there belong behind them
    setTimeout(() => {
      const { text, enter } = early ?? {};
      early = null;
      if (text) document.execCommand("insertText", false, text); // as if it were typed now
      const pressed = () => target.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", code: "Enter", bubbles: true }));
      if (enter) setTimeout(pressed, 200); // when the rows have been found
    });
  }, true);

  // So does the bar that N calls: from the Enter on that says that a name follows, keys wait until the bar is there, and
  // are pressed then, in their order. Escape and a click end that, and so does a bar that never comes.
  const COMING_MS = 10000;
  const field = () => document.querySelector("gsseg-guide:not([hidden]) input:not([hidden])");
  const taken = () => [...document.querySelectorAll("gsseg-guide:not([hidden]) kbd")].some((key) => key.textContent === "N");
  let coming = null; // keys that wait, and until when
  let leaving = false; // whether Escape has been pressed and the bar does not know it yet
  addEventListener("keydown", (event) => {
    if (coming && (event.key === "Escape" || performance.now() > coming.until)) coming = null;
    if (event.ctrlKey || event.metaKey || event.altKey || typing()) return;
    if (event.key === "Escape") leaving = field() !== null;
    if (!coming) {
      const calls = event.isTrusted && event.code === "KeyN" && !event.shiftKey && (leaving || !taken());
      if (calls) coming = { keys: [], until: performance.now() + COMING_MS };
      return;
    }
    if (!coming.keys.length && event.key !== "Enter") return;
    const { key, code, shiftKey } = event;
    coming.keys.push({ key, code, shiftKey, bubbles: true });
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  addEventListener("pointerdown", () => { coming = null; }, true);
  const arrived = () => {
    if (!coming || !field()) return;
    const { keys } = coming;
    coming = null;
    for (const options of keys) {
      const place = field(), { key } = options;
      if (!place || document.activeElement !== place) {
        for (const kind of ["keydown", "keyup"]) document.dispatchEvent(new KeyboardEvent(kind, options));
      } else if (key.length === 1) place.value += key;
      else if (key === "Backspace") place.value = place.value.slice(0, -1);
      else place.dispatchEvent(new KeyboardEvent("keydown", options));
    }
  };
  addEventListener("DOMContentLoaded", () => channel.on("guide", "saying", () => {
    leaving = false;
    setTimeout(arrived);
  }));

  const held = new Set();
  let tap = null; // the timer of an S that may become one
  let passing = false; // while a key that was kept back is handed on
  const fly = () => {
    tap = null;
    passing = true;
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "s", code: "KeyS", bubbles: true }));
    passing = false;
  };

  addEventListener("keydown", (event) => {
    if (passing) return;
    held.add(event.code);
    if (typing() || event.ctrlKey || event.metaKey || event.altKey) return;
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
    if (digit) event.repeat || press(event.shiftKey ? `Shift+${digit[1]}` : digit[1]);
    else if (event.code === "Space") event.repeat || peek(true);
    else if (event.key === "Enter" && !document.activeElement?.matches?.("button, [role=listbox], [role=tab]")) enter();
    else if (event.key === "?") press("?");
    else if (event.key === "/") list()?.find();
    else if (event.code === "KeyO" && !event.shiftKey) event.repeat || list()?.fold();
    else if (event.code === "KeyS" && !event.shiftKey) {
      if ([...held].some((code) => FLYING.has(code))) return;
      if (event.repeat && tap === null) return;
      if (!event.repeat) tap = setTimeout(fly, TAP_MS);
    } else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  addEventListener("keyup", (event) => {
    held.delete(event.code);
    if (event.code === "Space") peek(false);
    if (event.code === "KeyS" && tap !== null) {
      clearTimeout(tap);
      tap = null;
      press("S");
    }
  }, true);
  addEventListener("blur", () => { held.clear(); peek(false); });

  const enter = () => {
    const place = field();
    place ? place.focus() : press("Enter");
  };

  // The photo lies over the scene just where its camera saw it, as long as one looks from there.
  let shown = null;
  const peek = (on) => {
    if (on) channel.tell("guide", "peek");
    shown?.toggleAttribute("hidden", !on);
  };
  addEventListener("DOMContentLoaded", () => {
    const image = element("img", { alt: "" });
    const name = element("span");
    shown = element("gsseg-peek", { hidden: true }, image, name);
    document.body.append(shown);
    channel.on("guide", "photo", (told) => {
      URL.revokeObjectURL(image.src);
      image.src = URL.createObjectURL(new Blob([told.picture], { type: "image/jpeg" }));
      name.textContent = told.name;
    });
  });
}
