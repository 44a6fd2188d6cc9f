// The served page: what it remembers over a reload, what it shows before the first picture, and how it comes back
// when the server has been away. Of viser it knows the messages that pass between the page and its workers, which it
// overhears, and nothing else; `__viserMutable` and the like are not needed.
{
  const { key } = window.gsseg;
  const NAME = `gsseg ${key}`; // in sessionStorage, which is this tab's own
  const LONGEST = 6000; // letters of an address that the server's line of 8192 holds for certain
  const BRIEF_MS = 2000; // a connection that ends sooner may have ended because of what was remembered
  const MOST_RELOADS = 3; // within RELOADS_MS; then a person has to ask for the next one
  const RELOADS_MS = 20000;
  const EMPTY_MS = 4000; // a scene without Gaussians is never sorted

  let camera = null;
  let connectedAt = null;
  let sorted = false;
  let ready = false;
  let lost = false;

  const stored = (name) => {
    try {
      return JSON.parse(sessionStorage.getItem(name)) ?? {};
    } catch {
      return {}; // blocked, or not ours: nothing is remembered
    }
  };
  const store = (name, value) => {
    try {
      sessionStorage.setItem(name, JSON.stringify(value));
    } catch {}
  };

  // The cover has the colour that the page will have.
  document.documentElement.classList.toggle("gsseg-light", /"dark":false/.test(stored(NAME).session));

  const remember = () => {
    const session = document.querySelector("[data-gsseg-session]")?.dataset.gssegSession;
    if (ready && session !== undefined) store(NAME, { session, camera });
  };

  const addressed = (server) => {
    const told = stored(NAME);
    camera = told.camera ?? null;
    const address = (parts) => {
      const known = Object.entries(parts).filter(([, value]) => typeof value === "string");
      return known.length ? `${server}/?${new URLSearchParams(known)}` : server;
    };
    const seen = camera === null ? null : JSON.stringify(camera);
    const whole = address({ session: told.session, camera: seen });
    return whole.length <= LONGEST ? whole : address({ camera: seen });
  };

  const NativeWorker = window.Worker;
  window.Worker = class extends NativeWorker {
    constructor(...options) {
      super(...options);
      this.addEventListener("message", ({ data }) => {
        if (data?.type === "connected") connected();
        else if (data?.type === "closed") closed();
        else if (data?.sortedIndices) sorted = true;
      });
    }
    postMessage(data, ...rest) {
      const message = data?.message;
      if (data?.type === "set_server") {
        data = { ...data, server: addressed(data.server) };
      } else if (ready && message?.type === "ViewerCameraMessage") {
        const { position, look_at, up_direction, fov } = message;
        camera = { position, look_at, up_direction, fov };
      }
      super.postMessage(data, ...rest);
    }
  };

  const say = (text) => {
    const place = document.querySelector("#gsseg-cover p");
    if (place) place.textContent = text;
  };

  const connected = () => {
    if (lost) reload(); // viser's client found the server first; its session there is a new one all the same
    else connectedAt ??= performance.now();
  };

  const closed = () => {
    if (connectedAt === null) return say("The viewer does not answer yet. This page waits for it.");
    if (lost) return;
    lost = true;
    remember();
    if (performance.now() - connectedAt < BRIEF_MS) store(NAME, {});
    const notice = document.createElement("div");
    notice.id = "gsseg-lost";
    notice.setAttribute("role", "alert");
    notice.textContent = "The viewer has stopped. This page comes back by itself as soon as it runs again.";
    document.body.append(notice);
    setInterval(look, 1000);
    for (const event of ["focus", "online", "visibilitychange"]) addEventListener(event, look);
  };

  let looking = false;
  const look = async () => {
    if (looking) return;
    looking = true;
    try {
      const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(5000) });
      answer.body?.cancel();
      if (answer.ok) reload();
    } catch {
      // Not there yet.
    } finally {
      looking = false;
    }
  };

  let leaving = false;
  const reload = () => {
    if (leaving) return;
    const now = Date.now();
    const recent = (stored("gsseg reloads").times ?? []).filter((time) => now - time < RELOADS_MS);
    const notice = document.getElementById("gsseg-lost");
    if (recent.length >= MOST_RELOADS && !document.hidden) {
      if (notice) notice.textContent = "The viewer runs, but ends every connection. Reload the page to try again.";
      return;
    }
    leaving = true;
    store("gsseg reloads", { times: [...recent, now] });
    location.reload();
  };

  // The cover goes when the session has shown itself, which it does after its camera and its splats, and these have
  // been sorted and drawn once.
  const uncover = () => {
    const shown = document.querySelector("[data-gsseg-session]") !== null;
    const waited = connectedAt !== null && performance.now() - connectedAt > EMPTY_MS;
    if (!shown || !(sorted || waited)) {
      setTimeout(uncover, 30);
      return;
    }
    ready = true;
    const gone = () => document.getElementById("gsseg-cover")?.remove();
    requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(gone)));
  };
  uncover();

  addEventListener("pagehide", () => {
    if (!lost) remember();
  });
}
