// When a frame is drawn and how finely, so that a weak machine stays at hand: while the camera moves, resolution and
// number of Gaussians follow the time that frames take; when it rests, the picture is drawn at full resolution, with as
// many Gaussians as it can draw in a second. What is drawn of how many stands at the foot of the scene.
//
// viser asks for frames by requestAnimationFrame and does not wait until one is drawn, so that a slow machine has
// several in its queue when a person clicks; it also draws once a second while nothing happens, and keeps what the
// server says until the next frame. Here the next frame waits until the one before is drawn, nothing is drawn while
// nothing happens, and what the server says is taken at once. Names of viser 1.1.1 and three.js: `__viserMutable`.
{
  const { budget, drawAtMost, element } = window.gsseg;
  const FRAME_MS = 100; // a frame while the camera moves
  const REST_MS = 1000; // a frame at rest
  const STILL_MS = 300; // after which the camera rests
  const SLOW_MS = 120; // frames that take longer are not drawn for nothing
  const ANSWER_MS = 400; // after a click
  const FEWEST = 200000; // Gaussians at rest, also before it is known how long a frame takes
  const FEWEST_MOVING = 5000;
  // Resolution and share of the Gaussians, from fine to coarse: one step is about half the work.
  const STEPS = [[1, 1], [0.75, 1], [0.5, 1], [0.5, 0.5], [0.5, 0.25], [0.5, 0.125]];

  const fixed = new URLSearchParams(location.search).has("fixedDpr");
  const full = () => Math.min(2, Math.max(1, window.devicePixelRatio)); // as viser has it
  const most = drawAtMost || Infinity;

  let running = null; // the callback of an animation frame that runs now
  let loop = null; // the one that draws the scene
  let fence = null;
  let begun = 0;
  let took = 0; // milliseconds of the last frame that only drew
  let rest = Math.min(most, FEWEST); // Gaussians of a frame at rest
  let step = 0;
  let coarse = false, uploaded = true;
  let movedAt = performance.now();
  let seen = "";
  let timer = null;
  let refining = false; // whether the frame to come is ours alone and one is enough
  let buttons = 0, pressedAt = 0, heldUntil = 0;

  const mutable = () => window.__viserMutable;
  const store = () => mutable()?.scene?.__r3f?.root?.getState();
  const context = () => mutable()?.canvas?.getContext("webgl2");

  const moving = () => performance.now() - movedAt < STILL_MS || buttons !== 0;
  const stir = () => {
    movedAt = performance.now();
    clearTimeout(timer);
    timer = setTimeout(settle, STILL_MS + 10);
  };
  const settle = () => {
    if (moving()) timer = setTimeout(settle, STILL_MS);
    else if (coarse) refine();
  };
  const refine = () => {
    refining = true;
    mutable()?.requestRender();
  };

  const before = () => {
    const state = store();
    if (!state) return;
    coarse = moving() && step > 0;
    const [resolution, share] = coarse ? STEPS[step] : [1, 1];
    if (!fixed && Math.abs(state.viewport.dpr - full() * resolution) > 1e-6) state.setDpr(full() * resolution);
    const some = Math.min(rest, budget.now().seen || rest);
    const limit = !drawAtMost ? Infinity : coarse ? Math.min(rest, Math.max(FEWEST_MOVING, Math.round(some * share))) : rest;
    budget.fit(limit, moving());
    say();
  };

  const after = () => {
    const camera = mutable()?.camera, gl = context();
    if (!camera || !gl) return;
    const pose = camera.matrixWorldInverse.elements.join();
    if (pose !== seen) stir();
    seen = pose;
    refining = false;
    if (budget.stale()) mutable().requestRender();
    fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    begun = performance.now();
    look();
  };

  // A fence is looked at between tasks; until it is through, the frame before is still being drawn.
  const look = () => {
    const gl = context();
    if (!fence || gl.isContextLost() || gl.getSyncParameter(fence, gl.SYNC_STATUS) === gl.SIGNALED) {
      if (fence) gl.deleteSync(fence);
      fence = null;
      drawn(performance.now() - begun);
      waiting?.();
    } else setTimeout(look, 2);
  };

  // Learns from a frame that is drawn; one that took new splats along says nothing about the next.
  const drawn = (time) => {
    const counted = budget.now().drawn;
    if (uploaded || !counted) return void (uploaded = false);
    took = time;
    if (coarse) {
      if (time > 1.5 * FRAME_MS && step < STEPS.length - 1) step++;
      else if (time < 0.4 * FRAME_MS && step > 0) step--;
      return;
    }
    step = Math.min(STEPS.length - 1, Math.max(0, Math.ceil(Math.log2(time / (1.5 * FRAME_MS)))));
    if (time < 1.3 * REST_MS && !(time < 0.5 * REST_MS && counted === rest)) return;
    const fitting = Math.round(Math.min(most, Math.max(FEWEST, (counted * REST_MS) / Math.max(time, REST_MS / 8))));
    if (drawAtMost && fitting !== rest) {
      rest = fitting;
      refine();
    }
  };

  let waiting = null; // continues with the frame that waits
  const nativeFrame = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (callback) => nativeFrame((time) => run(callback, time));
  const run = (callback, time) => {
    if (callback === loop && (fence || performance.now() < heldUntil)) {
      if (!fence) setTimeout(() => waiting?.(), heldUntil - performance.now());
      waiting = () => { waiting = null; nativeFrame((now) => run(callback, now)); };
      return;
    }
    running = callback;
    if (callback === loop) before();
    try {
      callback(time);
    } finally {
      running = null;
      if (callback === loop) after();
    }
  };
  const draw = WebGL2RenderingContext.prototype.drawElementsInstanced;
  WebGL2RenderingContext.prototype.drawElementsInstanced = function (...options) {
    if (running) loop = running; // three.js has one loop, and it draws the splats in it
    if (refining && running && !moving()) store().internal.frames = 1; // viser would have another one like it
    return draw.apply(this, options);
  };

  // viser's heartbeat: a frame a second, whatever happens, for what nobody has asked to be drawn. On slow machines each
  // tenth is enough.
  let beats = 0;
  const nativeInterval = window.setInterval.bind(window);
  window.setInterval = (callback, delay, ...rest) => {
    const beat = delay === 1000 && typeof callback === "function" && /^\(\)=>\w+\(\)$/.test(String(callback));
    return nativeInterval(beat ? () => { if (took < SLOW_MS || ++beats % 10 === 0) callback(); } : callback, delay, ...rest);
  };

  const NativeWorker = window.Worker;
  window.Worker = class extends NativeWorker {
    constructor(...options) {
      super(...options);
      this.addEventListener("message", ({ data }) => {
        if (data?.type !== "message_batch") return;
        // While the page begins, cameras and splats of the first messages have to wait for the first frames.
        if (loop && !document.getElementById("gsseg-cover")) setTimeout(() => {
          const now = mutable(); // viser has put the batch into its queue meanwhile
          if (now?.drainMessageQueue && now.getRenderRequestState === "ready") now.drainMessageQueue();
        });
      });
    }
    postMessage(data, ...rest) {
      const message = data?.message, canvas = mutable()?.canvas;
      if (data?.updateBuffer || data?.setBuffer) {
        uploaded = true;
        heldUntil = 0;
        waiting?.();
        stir();
        setTimeout(() => mutable()?.requestRender()); // it may be later than the frames that the message asked for
      } else if (message?.type === "ViewerCameraMessage" && canvas && !fixed) {
        // The session knows the picture as large as it is at rest.
        const [image_width, image_height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.floor(side * full()));
        data = { ...data, message: { ...message, image_width, image_height } };
      }
      super.postMessage(data, ...rest);
    }
  };
  for (const event of ["pointerdown", "pointerup", "pointercancel"]) {
    addEventListener(event, (now) => {
      buttons = now.buttons && now.target === mutable()?.canvas ? now.buttons : 0;
      if (!buttons && coarse) stir();
      if (event === "pointerdown") pressedAt = movedAt;
      // A click is answered soon: a frame that is begun before the answer is there would only be in its way.
      else if (took > SLOW_MS && movedAt === pressedAt) heldUntil = performance.now() + ANSWER_MS;
    }, true);
  }

  const place = element("gsseg-drawn", { hidden: true, role: "status" });
  const say = () => {
    const { drawn: some, seen: all } = budget.now();
    place.hidden = some >= all;
    const text = `draws ${some.toLocaleString("en")} of ${all.toLocaleString("en")}`;
    if (place.textContent !== text) place.textContent = text;
  };
  place.title = "Gaussians in the picture, those that add most to it. Clicks and edits are exact on all of them.";
  addEventListener("DOMContentLoaded", () => document.body.append(place));
}
