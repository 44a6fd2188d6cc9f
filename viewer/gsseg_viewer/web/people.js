// Who else looks at this scene: a chip for each, and marks in the list on what they have selected. A click on one's own
// chip gives oneself a name, which this browser remembers.
{
  const { channel, element } = window.gsseg;
  const NAME = "gsseg name";
  const rgb = (color) => `rgb(${color >> 16}, ${(color >> 8) & 255}, ${color & 255})`;
  const stored = () => {
    try { return localStorage.getItem(NAME) ?? ""; } catch { return ""; }
  };
  let called = false; // whether the session knows the name that is remembered

  class People extends HTMLElement {
    connectedCallback() {
      this.hidden = true;
      this.field = element("input", {
        type: "text", maxlength: "24", "aria-label": "Your name", hidden: true,
        onkeydown: (event) => this.key(event), onblur: () => this.close(),
      });
      this.chips = element("div");
      this.append(this.field, this.chips);
      channel.on("people", "state", (told) => this.show(told));
    }

    show({ me, others }) {
      if (me && !called) {
        called = true;
        if (stored() && stored() !== me.name) channel.tell("people", "name", { text: stored() });
      }
      this.hidden = !others.length;
      const chip = ({ name, color }, own) => {
        const dot = element("i");
        dot.style.background = rgb(color);
        return element(own ? "button" : "span", own ? { title: "Your name: click to change it", onclick: () => this.open(name) } : {},
          dot, own ? `${name} (you)` : name);
      };
      this.chips.replaceChildren(...others.map((each) => chip(each, false)), ...(me ? [chip(me, true)] : []));
      document.querySelector("gsseg-list")?.share(others);
    }

    open(name) {
      this.field.hidden = false;
      this.field.value = name;
      this.field.focus();
      this.field.select();
    }

    close() { this.field.hidden = true; }

    key(event) {
      event.stopPropagation();
      const name = this.field.value.trim();
      if (event.key === "Enter" && name) {
        try { localStorage.setItem(NAME, name); } catch {}
        channel.tell("people", "name", { text: name });
      }
      if (event.key === "Enter" || event.key === "Escape") this.field.blur();
    }
  }
  customElements.define("gsseg-people", People);
  addEventListener("DOMContentLoaded", () => document.body.append(document.createElement("gsseg-people")));
}
