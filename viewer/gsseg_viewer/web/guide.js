// The bar at the foot of the page, where a guide (`gsseg_viewer/guides`) says what there is to decide and which keys do
// it. A button does what its key does.
{
  const { channel, element } = window.gsseg;
  const rgb = (color) => `rgb(${color >> 16}, ${(color >> 8) & 255}, ${color & 255})`;

  class Guide extends HTMLElement {
    connectedCallback() {
      this.hidden = true;
      channel.on("guide", "saying", (told) => this.say(told));
    }

    say(told) {
      this.hidden = !told;
      this.told = told;
      if (!told) return this.replaceChildren();
      const typed = this.querySelector("input");
      const writing = typed && document.activeElement === typed && told.asks === typed.placeholder;
      const choices = told.choices.map(({ key, label, color, on }) => {
        const swatch = element("i");
        if (color >= 0) swatch.style.background = rgb(color);
        return element("button", { class: on ? "on" : "", title: label, onclick: () => this.press(key) },
          element("kbd", {}, key.replace("Shift+", "⇧")), ...(color >= 0 ? [swatch] : []), element("span", {}, label));
      });
      const list = document.querySelector("gsseg-list");
      const pictures = told.things.map(({ id, color }) => {
        const place = element("span", { class: "thing" });
        place.style.borderColor = rgb(color);
        const address = list?.address(id);
        if (address) place.append(element("img", { src: address, alt: "" }));
        return place;
      });
      const asked = told.asks
        ? [writing ? typed : element("input", {
            type: "text", placeholder: told.asks, "aria-label": told.asks, maxlength: "80",
            onkeydown: (event) => this.typedKey(event),
          })]
        : [];
      this.replaceChildren(
        element("div", { class: "pictures" }, ...pictures),
        element("div", { class: "words" },
          element("div", { class: "title" }, element("b", {}, told.title), element("span", {}, told.step)),
          ...told.lines.map((line, k) => element("div", { class: k ? "note" : "what" }, line)),
          element("div", { class: "choices" }, ...asked, ...choices)),
      );
      if (writing) typed.focus();
    }

    press(key) {
      channel.tell("guide", "press", { text: key });
    }

    typedKey(event) {
      event.stopPropagation();
      const field = event.target;
      if (event.key === "Enter" && field.value.trim()) channel.tell("guide", "typed", { text: field.value });
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault();
      field.value = "";
      field.blur();
    }
  }
  customElements.define("gsseg-guide", Guide);
  addEventListener("DOMContentLoaded", () => document.body.append(document.createElement("gsseg-guide")));
}
