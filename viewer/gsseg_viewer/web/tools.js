// The tools above the scene, and what is drawn over it: lassos, polygons, strokes. `gsseg_viewer/panels/tools.py` is the
// other end. Points go out as shares of the picture's width and height, (0, 0) at the upper left, one after the other.
//
// While a drawing tool is in hand, the left button draws. The wheel and the other buttons move the camera as ever, and
// so does the left one while the space bar is held.
{
  const { channel, element } = window.gsseg;
  const TOOLS = [
    ["click", "Select", "Click what is to be selected"],
    ["points", "Points", "Click what belongs to the thing, alt-click what does not; the grain says how coarse it is"],
    ["lasso", "Lasso", "Draw around what is to be selected"],
    ["polygon", "Polygon", "Click the corners; a double click or Enter closes it"],
    ["brush", "Brush", "Paint over what is to be selected; [ and ] change its size"],
    ["snap", "Keep / drop", "Click what is to be kept, alt-click what is to be dropped: the border snaps"],
    ["scribble", "Scribble", "Paint over what is to be kept, with alt what is to be dropped: the border snaps"],
    ["colour", "Colour", "Click a colour: all that has it is selected"],
    ["assign", "Assign", "Click the object that the selection is to be given to"],
    ["measure", "Measure", "Click two points"],
  ];
  const HOWS = [
    ["set", "New", "Replaces what is selected"],
    ["add", "Add", "Adds to what is selected (Shift)"],
    ["remove", "Take away", "Takes away from what is selected (Alt)"],
    ["intersect", "Both", "Keeps what is selected already, too (Shift+Alt)"],
  ];
  const DRAWN = new Set(["lasso", "polygon", "brush", "scribble"]);
  const CLOSE_PX = 8; // a click so near to a polygon's first corner closes it
  const STEP_PX = 2; // points of a line are no nearer to one another

  let told = { tool: "click", how: "set", radius: 0.03, said: "" };
  let line = null; // pixels of the picture, while something is being drawn
  let pointer = null;

  const canvas = element("canvas", { id: "gsseg-drawing", hidden: true });
  const scene = () => document.querySelector("canvas[data-engine]"); // three.js marks the one that it draws on
  const held = (event) =>
    event.shiftKey && event.altKey ? "intersect" : event.shiftKey ? "add" : event.altKey ? "remove" : "";
  const place = ({ clientX, clientY }) => {
    const { left, top } = canvas.getBoundingClientRect();
    return [clientX - left, clientY - top];
  };
  const apart = ([ax, ay], [bx, by]) => Math.hypot(ax - bx, ay - by);

  const fit = () => {
    const picture = scene()?.getBoundingClientRect();
    if (!picture) return;
    Object.assign(canvas.style, {
      left: `${picture.left}px`, top: `${picture.top}px`, width: `${picture.width}px`, height: `${picture.height}px`,
    });
    [canvas.width, canvas.height] = [Math.round(picture.width), Math.round(picture.height)];
    paint();
  };

  const paint = () => {
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    const stroke = told.tool === "brush" || told.tool === "scribble";
    const radius = told.radius * canvas.height;
    pen.lineJoin = pen.lineCap = "round";
    if (line?.length) {
      const path = new Path2D();
      path.moveTo(...line[0]);
      for (const point of line.slice(1)) path.lineTo(...point);
      if (line.length === 1) path.lineTo(...line[0]);
      if (told.tool === "polygon" && pointer) path.lineTo(...pointer);
      pen.strokeStyle = stroke ? "rgba(255, 212, 59, 0.4)" : "#ffd43b";
      pen.lineWidth = stroke ? 2 * radius : 2;
      pen.stroke(path);
      if (!stroke) {
        pen.fillStyle = "rgba(255, 212, 59, 0.12)";
        pen.fill(path, "evenodd");
      }
    }
    if (stroke && pointer) {
      pen.beginPath();
      pen.arc(...pointer, radius, 0, 2 * Math.PI);
      pen.lineWidth = 1.5;
      pen.strokeStyle = "#fff";
      pen.stroke();
    }
  };

  const send = (event) => {
    const numbers = line.flatMap(([x, y]) => [(x + 0.5) / canvas.width, (y + 0.5) / canvas.height]);
    const enough = told.tool === "brush" || told.tool === "scribble" ? 1 : 3;
    if (line.length >= enough) channel.tell("tools", "draw", { numbers, text: `${told.tool} ${held(event)}`.trim() });
    line = null;
    paint();
  };

  // What is not for drawing goes to viser's picture underneath, until the button is up again.
  const passOn = (event) => {
    canvas.style.pointerEvents = "none";
    scene()?.dispatchEvent(new event.constructor(event.type, event));
    addEventListener("pointerup", () => (canvas.style.pointerEvents = ""), { once: true, capture: true });
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return passOn(event);
    pointer = place(event);
    if (told.tool === "polygon") {
      if (line && line.length >= 3 && apart(pointer, line[0]) < CLOSE_PX) return send(event);
      if (!line || apart(pointer, line.at(-1)) >= STEP_PX) line = [...(line ?? []), pointer];
    } else {
      canvas.setPointerCapture(event.pointerId);
      line = [pointer];
    }
    paint();
  });
  canvas.addEventListener("pointermove", (event) => {
    pointer = place(event);
    if (line && told.tool !== "polygon" && apart(pointer, line.at(-1)) >= STEP_PX) line.push(pointer);
    paint();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (event.button === 0 && line && told.tool !== "polygon") send(event);
  });
  canvas.addEventListener("pointerleave", () => { pointer = null; paint(); });
  canvas.addEventListener("dblclick", (event) => { if (line && told.tool === "polygon") send(event); });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    scene()?.dispatchEvent(new WheelEvent("wheel", event));
  }, { passive: false });

  // Keys of what is being drawn, before all others; what is typed somewhere is no key.
  const typing = ({ target }) => target instanceof Element && target.closest("input, textarea, select, [contenteditable]");
  addEventListener("keydown", (event) => {
    if (!DRAWN.has(told.tool) || typing(event)) return;
    if (event.key === " ") canvas.style.pointerEvents = "none";
    else if (event.key === "Escape" && line) { line = null; paint(); }
    else if (event.key === "Enter" && line && told.tool === "polygon") send(event);
    else if (event.key === "[" || event.key === "]") {
      channel.tell("tools", "radius", { numbers: [told.radius * (event.key === "[" ? 0.8 : 1.25)] });
    } else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, { capture: true });
  addEventListener("keyup", (event) => { if (event.key === " ") canvas.style.pointerEvents = ""; }, { capture: true });

  class Tools extends HTMLElement {
    connectedCallback() {
      const group = (label, action, rows) => element("div", { role: "group", "aria-label": label },
        ...rows.map(([name, text, hint]) => element("button", {
          type: "button", title: hint, "data-name": name, "aria-pressed": "false",
          onclick: (event) => { channel.tell("tools", action, { text: name }); event.currentTarget.blur(); },
        }, text)));
      this.tools = group("Tool", "tool", TOOLS);
      this.hows = group("With what is selected", "how", HOWS);
      this.count = element("output");
      this.append(this.tools, this.hows, this.count);
      channel.on("tools", "state", (content) => this.show(content));
    }

    show(content) {
      if (content.tool !== told.tool) line = null;
      told = content;
      for (const [part, value] of [[this.tools, told.tool], [this.hows, told.how]]) {
        for (const button of part.children) button.setAttribute("aria-pressed", String(button.dataset.name === value));
      }
      this.count.textContent = told.said;
      canvas.hidden = !DRAWN.has(told.tool);
      fit();
    }
  }
  customElements.define("gsseg-tools", Tools);
  addEventListener("DOMContentLoaded", () => {
    document.body.append(canvas, document.createElement("gsseg-tools"));
    new ResizeObserver(fit).observe(document.documentElement);
  });
}
