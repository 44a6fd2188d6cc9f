// The page that is kept: splats that are sorted also when it is opened from a disk, and the objects' names.
{
  // A module worker of a blob is refused where the page has no origin, as from file:// in Chromium. viser then takes
  // the same source as a data: address, but only where making the blob's address has failed.
  if (location.protocol === "file:" || location.origin === "null") {
    const createObjectURL = URL.createObjectURL;
    URL.createObjectURL = (object) =>
      object instanceof Blob && object.type.startsWith("text/javascript") ? "" : createObjectURL.call(URL, object);
  }
  const NativeWorker = window.Worker;
  window.Worker = class extends NativeWorker {
    constructor(...options) {
      super(...options);
      this.addEventListener("error", () => {
        const notice = document.createElement("div");
        notice.id = "gsseg-unsorted";
        notice.setAttribute("role", "alert");
        notice.textContent = "This browser does not sort the splats: far ones may cover near ones.";
        document.body.append(notice);
      });
    }
  };

  const { title, objects } = window.gsseg;

  // Where a point of the scene is on the screen, in pixels; null behind the camera.
  const onScreen = ([x, y, z]) => {
    const { camera, canvas } = window.__viserMutable ?? {};
    const root = window.__viserSceneTree?.getState()[""]?.wxyz;
    if (!camera || !canvas || !root) return null;
    const [w, a, b, c] = root; // turns the scene's world into three.js's
    const t = [2 * (b * z - c * y), 2 * (c * x - a * z), 2 * (a * y - b * x)];
    const turned = [
      x + w * t[0] + b * t[2] - c * t[1], y + w * t[1] + c * t[0] - a * t[2], z + w * t[2] + a * t[1] - b * t[0], 1,
    ];
    const times = (matrix, v) =>
      [0, 1, 2, 3].map((row) => v.reduce((sum, value, k) => sum + matrix.elements[4 * k + row] * value, 0));
    const clip = times(camera.projectionMatrix, times(camera.matrixWorldInverse, turned));
    if (clip[3] <= 0) return null;
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [left + ((clip[0] / clip[3] + 1) / 2) * width, top + ((1 - clip[1] / clip[3]) / 2) * height];
  };

  addEventListener("DOMContentLoaded", () => {
    const panel = document.createElement("details");
    panel.id = "gsseg-names";
    panel.open = objects.length > 0 && innerWidth > 700;
    const heading = document.createElement("summary");
    heading.textContent = objects.length ? `${title}: ${objects.length} objects` : title;
    const list = document.createElement("ul");
    panel.append(heading, list);
    const all = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    all.append(box, "names in the scene");
    if (objects.length) panel.insertBefore(all, list);
    const entries = objects.map(({ name, color, at }) => {
      const label = document.createElement("div");
      label.className = "gsseg-label";
      label.textContent = name;
      const line = document.createElement("li");
      line.tabIndex = 0;
      const dot = document.createElement("i");
      dot.style.background = `rgb(${color})`;
      line.append(dot, name);
      document.body.append(label);
      list.append(line);
      const entry = { label, at, pointed: false, pinned: false };
      for (const [event, pointed] of [["pointerenter", true], ["focus", true], ["pointerleave", false], ["blur", false]])
        line.addEventListener(event, () => { entry.pointed = pointed; });
      line.addEventListener("click", () => {
        entry.pinned = !entry.pinned;
        line.classList.toggle("pinned", entry.pinned);
      });
      return entry;
    });
    document.body.append(panel);
    // A label follows its object for as long as it is shown; a label that is hidden costs nothing.
    const follow = () => {
      for (const { label, at, pointed, pinned } of entries) {
        const place = pointed || pinned || box.checked ? onScreen(at) : null;
        label.style.display = place ? "block" : "none";
        if (place) label.style.transform = `translate(-50%, -50%) translate(${place[0]}px, ${place[1]}px)`;
      }
      requestAnimationFrame(follow);
    };
    if (entries.length) follow();
  });
}
