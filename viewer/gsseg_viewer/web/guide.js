// The bar at the foot of the page, where a guide (`gsseg_viewer/guides`) says what there is to decide and which keys do
// it. A button does what its key does.
{
  const { channel, element } = window.gsseg;
  const rgb = (color) => `rgb(${color >> 16}, ${(color >> 8) & 255}, ${color & 255})`;

  class Guide extends HTMLElement {
    connectedCallback() {
      this.hidden = true;
      this.pictures = element("div", { class: "pictures" });
      this.heading = element("b");
      this.step = element("span");
      this.lines = element("div");
      // Made once and never moved: whoever types in it must not lose it because the rest has changed.
      this.field = element("input", { type: "text", maxlength: "80", onkeydown: (event) => this.typedKey(event) });
      this.choices = element("div", { class: "keys" });
      this.append(
        this.pictures,
        element("div", { class: "words" },
          element("div", { class: "title" }, this.heading, this.step),
          this.lines,
          element("div", { class: "choices" }, this.field, this.choices)),
      );
      channel.on("guide", "saying", (told) => this.say(told));
    }

    say(told) {
      this.hidden = !told;
      this.told = told;
      if (!told) return this.field.blur();
      const list = document.querySelector("gsseg-list");
      this.pictures.replaceChildren(...told.things.map(({ id, color }) => {
        const place = element("span", { class: "thing" });
        place.style.borderColor = rgb(color);
        const address = list?.address(id);
        if (address) place.append(element("img", { src: address, alt: "" }));
        return place;
      }));
      this.heading.textContent = told.title;
      this.step.textContent = told.step;
      this.lines.replaceChildren(...told.lines.map((line, k) => element("div", { class: k ? "note" : "what" }, line)));
      this.field.hidden = !told.asks;
      this.field.placeholder = told.asks;
      this.field.setAttribute("aria-label", told.asks);
      this.choices.replaceChildren(...told.choices.map(({ key, label, color, on }) => {
        const swatch = element("i");
        if (color >= 0) swatch.style.background = rgb(color);
        return element("button", { class: on ? "on" : "", title: label, onclick: () => this.press(key) },
          element("kbd", {}, key.replace("Shift+", "⇧")), ...(color >= 0 ? [swatch] : []), element("span", {}, label));
      }));
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
