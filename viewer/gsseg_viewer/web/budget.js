// Which Gaussians are drawn where they are too many: those that matter most to the picture as it is seen now. The
// session knows all of them and picks among all of them; nothing here changes what is clicked, selected or exported.
//
//   gsseg.budget.fit(most, moving)   draws at most so many from the next frame on
//   gsseg.budget.stale()             whether what is seen has changed since they were chosen
//   gsseg.budget.now()               { drawn, seen, shown }: drawn, in the picture, and not hidden
//
// viser draws one mesh of instances in the order that its sorting worker sends, far to near. What is left out is taken
// out of that order, and the mesh is told to draw the first so many. Names of viser 1.1.1: `scene` of `__viserMutable`
// holds a mesh whose material has `textureBuffer`, eight numbers a Gaussian (centre, group, covariance as six halves,
// colour), and `textureT_camera_groups`, the first three rows of each group's pose before the camera.
{
  const BLUR = 0.3; // square pixels that the shader widens every Gaussian by
  const EDGE = 1.3; // of half the picture: what is seen at once when the camera turns a little
  const FINE = 16; // bits of a weight that are left out when weights are counted by size
  const AGAIN_MS = 150; // between two weighings while the camera moves, and ten times as long as they take

  const halves = new Float32Array(65536); // of all numbers of 16 bits
  for (let bits = 0; bits < 65536; bits++) {
    const exponent = (bits >> 10) & 31, rest = bits & 1023;
    const size = exponent === 0 ? rest * 2 ** -24 : exponent === 31 ? Infinity : (1 + rest / 1024) * 2 ** (exponent - 15);
    halves[bits] = bits & 32768 ? -size : size;
  }

  let mesh = null;
  let areas = null; // of each Gaussian, square units of its node: it never changes
  let weights = null; // what each adds to the picture: opacity times square pixels, 0 where it is not in it
  let counts = null;
  let order = null; // all Gaussians, far to near, as the worker sent them last
  let view = ""; // what the weights were made for
  let weighedAt = -Infinity, weighing = 0; // when, and for how many milliseconds
  let seen = 0, shown = 0, drawn = 0, most = Infinity;

  const meshNow = () => {
    if (mesh?.parent) return mesh;
    mesh = null;
    window.__viserMutable?.scene?.traverse((each) => {
      if (each.material?.uniforms?.textureT_camera_groups) mesh = each;
    });
    if (mesh) mesh.onBeforeRender = send; // just before three.js looks what has to go to the card
    return mesh;
  };

  // Square root of the sum of the products of two variances: of a flat Gaussian the area, of any about that.
  const measured = (words, count) => {
    const out = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      const a = words[8 * i + 4], b = words[8 * i + 5], c = words[8 * i + 6];
      const xx = halves[a & 65535], xy = halves[a >>> 16], xz = halves[b & 65535];
      const yy = halves[b >>> 16], yz = halves[c & 65535], zz = halves[c >>> 16];
      out[i] = Math.sqrt(Math.max(0, xx * yy - xy * xy + xx * zz - xz * xz + yy * zz - yz * yz));
    }
    return out;
  };

  // The nodes that the groups are, in the order in which the session sends them; none where that is not what is there.
  let nodes = [];
  const named = (words, count) => {
    const tree = window.__viserSceneTree?.getState() ?? {}, sizes = [];
    for (let i = 0; i < count; i++) sizes[words[8 * i + 3]] = (sizes[words[8 * i + 3]] ?? 0) + 1;
    nodes = Object.keys(tree).filter((name) => name.startsWith("/splats/")).sort();
    if (!nodes.every((name, g) => tree[name].message.props.buffer.length === 8 * sizes[g])) nodes = [];
  };
  const hidden = (group) => window.__viserSceneTree?.getState()[nodes[group]]?.effectiveVisibility === false;

  const weigh = (words, poses, { camera, canvas }) => {
    const [across, down] = [camera.projectionMatrix.elements[0], camera.projectionMatrix.elements[5]];
    const pixels = (down * canvas.clientHeight) / 2, near = camera.near;
    const groups = poses.length / 12, sizes = new Float32Array(groups);
    for (let g = 0; g < groups; g++) {
      const p = poses.subarray(12 * g, 12 * g + 12);
      sizes[g] = hidden(g) ? 0 : (p[8] * p[8] + p[9] * p[9] + p[10] * p[10]) * pixels * pixels;
    }
    const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
    counts.fill(0);
    seen = shown = 0;
    const bits = new Uint32Array(weights.buffer);
    for (let i = 0; i < weights.length; i++) {
      const at = 8 * i, group = words[at + 3], size = sizes[group], opacity = words[at + 7] >>> 24;
      let weight = 0;
      if (size && opacity) {
        shown++;
        const x = floats[at], y = floats[at + 1], z = floats[at + 2], p = 12 * group;
        const depth = -(poses[p + 8] * x + poses[p + 9] * y + poses[p + 10] * z + poses[p + 11]);
        if (depth > near) {
          const u = across * (poses[p] * x + poses[p + 1] * y + poses[p + 2] * z + poses[p + 3]);
          const v = down * (poses[p + 4] * x + poses[p + 5] * y + poses[p + 6] * z + poses[p + 7]);
          const edge = EDGE * depth;
          if (u < edge && u > -edge && v < edge && v > -edge) {
            weight = opacity * ((areas[i] * size) / (depth * depth) + BLUR);
            seen++;
          }
        }
      }
      weights[i] = weight;
      counts[bits[i] >>> FINE]++;
    }
  };

  // Puts the heaviest first, still far to near, and has the mesh draw no more than these.
  const choose = () => {
    const attribute = mesh.geometry.attributes.sortedIndex, kept = attribute.array;
    let least = counts.length, heavier = 0;
    while (least > 1 && heavier + counts[least - 1] <= most) heavier += counts[--least];
    let last = Math.min(most - heavier, least > 0 ? counts[least - 1] : 0); // of those as heavy as the lightest
    if (least <= 1) last = 0; // only what weighs nothing is left
    const bits = new Uint32Array(weights.buffer);
    let at = 0;
    for (let k = 0; k < order.length; k++) {
      const size = bits[order[k]] >>> FINE;
      if (size >= least || (size === least - 1 && last > 0 && last--)) kept[at++] = order[k];
    }
    drawn = at;
    mesh.geometry.instanceCount = drawn;
    attribute.needsUpdate = true;
  };

  // Nothing is weighed where nothing is left out: on a fast machine it would cost more than it saves.
  const everything = (count) => {
    drawn = seen = shown = count;
    most = Infinity;
    if (mesh.geometry.instanceCount !== count) {
      const attribute = mesh.geometry.attributes.sortedIndex;
      if (order?.length === count) attribute.array.set(order);
      attribute.needsUpdate = true;
      mesh.geometry.instanceCount = count;
    }
  };

  // Only rows of the texture in which a colour has changed go to the graphics card: nothing else ever changes.
  let sent = null, sentTexture = null, sentVersion = null; // colours that it has
  const send = () => {
    const texture = mesh.material.uniforms.textureBuffer.value, words = texture.image.data;
    if (texture === sentTexture && texture.version === sentVersion) return;
    const count = mesh.geometry.attributes.sortedIndex.count, wide = texture.image.width / 2;
    const whole = sentTexture !== texture || sent.length !== count;
    if (whole) sent = new Uint32Array(count);
    [sentTexture, sentVersion] = [texture, texture.version];
    for (let from = 0; from < count; from += wide) {
      let changed = false;
      for (let i = from, end = Math.min(count, from + wide); i < end; i++) {
        const color = words[8 * i + 7];
        if (sent[i] !== color) [sent[i], changed] = [color, true];
      }
      if (changed && !whole) texture.addUpdateRange(8 * from, 8 * Math.min(wide, count - from));
    }
  };

  // Where everything is seen from and what is hidden, as the frame before had it.
  const looked = ({ camera, canvas }, poses) => {
    let out = 0, first = "";
    for (let g = 0; g < poses.length / 12; g++) {
      if (hidden(g)) out = (31 * out + g + 1) | 0;
      else first ||= poses.subarray(12 * g, 12 * g + 12).join();
    }
    return `${first} ${camera.projectionMatrix.elements.join()} ${canvas.clientHeight} ${out}`;
  };

  let version = null; // of the colours
  let unweighed = true; // whether they have changed since
  const fit = (limit, moving) => {
    const mutable = window.__viserMutable;
    if (!mutable?.camera || !meshNow()) return;
    const { textureBuffer, textureT_camera_groups } = mesh.material.uniforms;
    const words = textureBuffer.value.image.data, poses = textureT_camera_groups.value.image.data;
    const count = mesh.geometry.attributes.sortedIndex.count, texture = textureBuffer.value;
    const fresh = texture.version !== version;
    version = texture.version;
    unweighed ||= fresh;
    if (limit >= count) return everything(count);
    if (weights?.length !== count) {
      areas = measured(words, count);
      named(words, count);
      weights = new Float32Array(count);
      counts = new Uint32Array(65536 >>> (FINE - 16));
      if (order?.length !== count) order = mesh.geometry.attributes.sortedIndex.array.slice();
      view = "";
    }
    const now = performance.now(), told = looked(mutable, poses);
    if (told === view && !unweighed && limit === most && mesh.geometry.instanceCount === drawn) return;
    if (unweighed || told !== view) {
      if (!unweighed && moving && now - weighedAt < Math.max(AGAIN_MS, 10 * weighing)) return; // `stale` sees to it that another frame follows
      weigh(words, poses, mutable);
      [view, weighedAt, unweighed, weighing] = [told, now, false, performance.now() - now];
    }
    most = limit;
    choose();
  };

  // Whether the last frame has changed what the choice was made by.
  const stale = () => {
    const mutable = window.__viserMutable;
    if (!mutable?.camera || !meshNow() || most === Infinity) return false;
    return looked(mutable, mesh.material.uniforms.textureT_camera_groups.value.image.data) !== view;
  };

  let told = ""; // numbers of Gaussians and groups that are being sorted
  const NativeWorker = window.Worker;
  window.Worker = class extends NativeWorker {
    postMessage(data, ...rest) {
      const buffer = data?.setBuffer ?? data?.updateBuffer;
      if (buffer) {
        // Colours are nothing to sort by, and to copy all splats for it takes as long as to draw them.
        const now = `${buffer.length} ${data.updateNumGroups}`;
        if (now === told) return;
        told = now;
      }
      super.postMessage(data, ...rest);
    }
    constructor(...options) {
      super(...options);
      // First of all listeners: viser's client copies what is left in the message.
      this.addEventListener("message", ({ data }) => {
        const sorted = data?.sortedIndices;
        if (!sorted || !meshNow() || sorted.length !== mesh.geometry.attributes.sortedIndex.count) return;
        order = sorted.slice();
        if (most === Infinity || weights?.length !== sorted.length) return;
        choose();
        sorted.set(mesh.geometry.attributes.sortedIndex.array);
      });
    }
  };

  window.gsseg.budget = { fit, stale, now: () => ({ drawn, seen, shown }) };
}
