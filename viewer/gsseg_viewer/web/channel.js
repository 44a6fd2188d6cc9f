// The channel between the parts of the page that are ours and the session (`gsseg_viewer/channel.py`): plain data in
// both directions, over viser's own connection.
//
//   gsseg.channel.on(part, topic, listener)                       listener(content): at once where there is one already
//   gsseg.channel.tell(part, action, { ids, numbers, text })      whole numbers, finite numbers, a text; all optional
//   gsseg.element(tag, { attribute: value, onclick: listener }, ...children)
//
// `gsseg.element` is the only way in which our parts make elements: children are elements or texts, and a text is shown
// letter by letter, whatever somebody called an object.
{
  const listeners = new Map();
  const latest = new Map();
  let socket = null; // viser's worker that holds the connection

  const hear = ({ part, topic, content }) => {
    const key = `${part} ${topic}`;
    latest.set(key, content);
    for (const listener of listeners.get(key) ?? []) listener(content);
  };

  const NativeWorker = window.Worker;
  window.Worker = class extends NativeWorker {
    constructor(...options) {
      super(...options);
      // First of all listeners: viser's client sees the same batch afterwards, without what is not for it.
      this.addEventListener("message", ({ data }) => {
        if (data?.type !== "message_batch") return;
        const ours = data.messages.filter((message) => message.type === "PartTold");
        if (!ours.length) return;
        data.messages = data.messages.filter((message) => message.type !== "PartTold");
        ours.forEach(hear);
      });
    }
    postMessage(data, ...rest) {
      if (data?.type === "set_server") socket = this;
      super.postMessage(data, ...rest);
    }
  };

  window.gsseg.channel = {
    on(part, topic, listener) {
      const key = `${part} ${topic}`;
      listeners.set(key, [...(listeners.get(key) ?? []), listener]);
      if (latest.has(key)) listener(latest.get(key));
    },
    tell(part, action, { ids = [], numbers = [], text = "" } = {}) {
      socket?.postMessage({ type: "send", message: { type: "PartAsked", part, action, ids, numbers, text } });
    },
  };

  window.gsseg.element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (typeof value === "boolean") made.toggleAttribute(name, value);
      else if (value !== null && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  };
}
