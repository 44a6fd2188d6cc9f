"""What a browser draws of too many Gaussians, and how finely on a slow machine: seen in its own scene, by NumPy."""

from typing import Any

import numpy as np
from gsseg_viewer.splats import SplatNodes

DRAWN = """() => {
  let mesh = null;
  window.__viserMutable?.scene?.traverse((each) => { if (each.material?.uniforms?.textureBuffer) mesh = each; });
  return mesh && Array.from(mesh.geometry.attributes.sortedIndex.array.slice(0, mesh.geometry.instanceCount));
}"""
"""Places of the Gaussians that are drawn, far to near."""

SLOW = """
const begun = new Map(), fence = WebGL2RenderingContext.prototype.fenceSync;
const status = WebGL2RenderingContext.prototype.getSyncParameter;
WebGL2RenderingContext.prototype.fenceSync = function (...options) {
  const made = fence.apply(this, options);
  begun.set(made, performance.now());
  return made;
};
WebGL2RenderingContext.prototype.getSyncParameter = function (sync, name) {
  return performance.now() - begun.get(sync) < 250 ? this.UNSIGNALED : status.call(this, sync, name);
};
"""
"""A graphics card that takes a quarter of a second for every frame."""

WIDTH, HEIGHT = 1000, 480


def drawn_rows(tab: Any) -> np.ndarray:
    """Rows of the Gaussians that the browser draws, far to near."""
    return SplatNodes.of(tab.viewer.document).rows[np.array(tab.page.evaluate(DRAWN), int)]


def weights(tab: Any) -> np.ndarray:
    """What each Gaussian adds to the picture: opacity times square pixels, from its own covariance; 0 outside."""
    document, camera = tab.viewer.document, tab._camera()
    gaussians = document.gaussians
    means, sigmas = gaussians.means.numpy(), np.exp(gaussians.log_scales.numpy().astype(float))
    there = (camera["view"] @ np.c_[means @ camera["world"].T, np.ones(len(means))].T)[:3]
    across, down = camera["projection"][0, 0], camera["projection"][1, 1]
    depth = -there[2]
    inside = (depth > 0) & (np.abs(across * there[0]) < 1.3 * depth) & (np.abs(down * there[1]) < 1.3 * depth)
    a, b, c = (sigmas**2).T
    area = np.sqrt(a * b + b * c + c * a) * (down * HEIGHT / 2) ** 2 / depth**2
    seen = inside & document.shown(document.state) & gaussians.drawable.numpy()
    return np.where(seen, np.round(255 * gaussians.opacities.numpy()) * (area + 0.3), 0.0)


def the_heaviest(tab: Any, most: int) -> bool:
    """Whether so many are drawn and none that is left out is heavier: to the 1 in 128 to which they are compared."""
    rows, of_each = drawn_rows(tab), weights(tab)
    left = np.delete(of_each, rows)
    exactly = len(rows) == min(most, np.count_nonzero(of_each)) and len(set(rows.tolist())) == len(rows)
    return exactly and of_each[rows].min() >= left.max() * (1 - 1 / 64)


def test_of_too_many_the_heaviest_are_drawn_and_all_are_picked(balls, open_viewer, open_tab, poll):
    viewer = open_viewer(balls.document(), balls.views(), draw_at_most=900)
    tab = open_tab(viewer, width=WIDTH, height=HEIGHT)
    document = viewer.document
    poll("the heaviest", lambda: the_heaviest(tab, 900))
    seen = np.count_nonzero(weights(tab))
    tab.wait_for_text(f"draws 900 of {seen:,}")
    rows = drawn_rows(tab)
    depth = -(
        tab._camera()["view"] @ np.c_[document.gaussians.means.numpy() @ tab._camera()["world"].T, np.ones(2850)].T
    )[2]
    assert (np.diff(depth[rows]) < 0.02).all(), "far to near"

    for ball in range(4):
        tab.click(balls.centres[ball])
        poll("the ball", lambda ball=ball: tab.session.selection.objects(document.state) == [ball])
        assert len(document.rows(tab.session.selection.pieces)) == 700, "all of it, not what is drawn of it"
    tab.press("h")
    poll("hidden", lambda: document.state.hidden_objects == {3})
    poll("the heaviest of the rest", lambda: the_heaviest(tab, 900))
    assert not (document.run.object_ids[drawn_rows(tab)] == 3).any()
    tab.click(balls.centres[0])
    tab.press("i")
    poll("all that is left", lambda: len(drawn_rows(tab)) == 700)
    poll("nothing to say", lambda: tab.page.locator("gsseg-drawn").is_hidden())


def test_zero_draws_all(balls, open_viewer, open_tab, poll):
    tab = open_tab(open_viewer(balls.document(), draw_at_most=0), width=640, height=480)
    poll("all", lambda: sorted(drawn_rows(tab)) == list(range(len(tab.viewer.document.gaussians))))
    assert tab.page.locator("gsseg-drawn").is_hidden()


def test_resolution_follows_the_frames_while_the_camera_moves(balls, open_viewer, open_tab, poll):
    """On a slow card coarser while a person drags, fine again when they stop; the session hears of one size only."""
    viewer = open_viewer(balls.document(), balls.views())
    tab = open_tab(viewer, width=WIDTH, height=HEIGHT, script=SLOW, query="")
    width = "window.__viserMutable.canvas.width"
    poll("fine", lambda: tab.page.evaluate(width) == WIDTH)
    mouse = tab.page.mouse
    mouse.move(500, 300)
    mouse.down()
    widths, told = set(), set()
    for step in range(60):
        mouse.move(500 + 20 * (step % 2), 300)
        tab.page.wait_for_timeout(40)
        widths.add(tab.page.evaluate(width))
        told.add((tab.session.client.camera.image_width, tab.session.client.camera.image_height))
        if min(widths) <= WIDTH / 2:
            break
    mouse.up()
    assert min(widths) <= WIDTH / 2
    assert told == {(WIDTH, HEIGHT)}
    poll("fine again", lambda: tab.page.evaluate(width) == WIDTH)
    tab.wait_until_settled()
    tab.click(balls.centres[1])
    poll("picked where it is seen", lambda: tab.session.selection.objects(viewer.document.state) == [1])


def test_colours_arrive_exactly(balls, open_viewer, open_tab, poll):
    """Only rows of the texture in which a colour has changed go to the card, which holds what it should, to the bit."""
    viewer = open_viewer(balls.document(), balls.views())
    tab = open_tab(viewer, width=WIDTH, height=HEIGHT, script=NARROW)
    rows = SplatNodes.of(viewer.document).rows
    for ball, how in ((0, ()), (2, ("Shift",)), (1, ())):
        tab.click(balls.centres[ball], *how)
        poll("selected", lambda ball=ball: ball in tab.session.selection.objects(viewer.document.state))
        wanted = tab.session._painted()[0][rows]
        poll("on the card", lambda wanted=wanted: np.array_equal(on_card(tab)[: len(rows), :3], wanted))
    assert tab.page.evaluate("window.rowsSent") > 0, "not the whole texture each time"


NARROW = """
const ask = WebGL2RenderingContext.prototype.getParameter;
WebGL2RenderingContext.prototype.getParameter = function (name) {  // so that there are two rows
  return name === this.MAX_TEXTURE_SIZE ? 4096 : ask.call(this, name);
};
window.rowsSent = 0;
const upload = WebGL2RenderingContext.prototype.texSubImage2D;
WebGL2RenderingContext.prototype.texSubImage2D = function (...options) {
  if (options[6] === this.RGBA_INTEGER) {
    window.splatTexture = ask.call(this, this.TEXTURE_BINDING_2D);
    if (options[5] === 1) window.rowsSent++;
  }
  return upload.apply(this, options);
};
"""


def on_card(tab: Any) -> np.ndarray:
    """(places, 4) colours and opacities as the graphics card has them."""
    words = tab.page.evaluate("""() => {
      const gl = window.__viserMutable.canvas.getContext("webgl2"), before = gl.getParameter(gl.FRAMEBUFFER_BINDING);
      const frame = gl.createFramebuffer(), out = new Uint32Array(4 * 4096 * 2);
      gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, window.splatTexture, 0);
      gl.readPixels(0, 0, 4096, 2, gl.RGBA_INTEGER, gl.UNSIGNED_INT, out);
      gl.bindFramebuffer(gl.FRAMEBUFFER, before);
      gl.deleteFramebuffer(frame);
      return Array.from(out.filter((_, k) => k % 8 === 7));
    }""")
    return np.array(words, np.uint32).view(np.uint8).reshape(-1, 4)
