/** A field on a canvas: WebGL2 where there is, else pixels; rings where growth events happen; a cursor for painting. */

const MAPS = ["viridis", "cividis", "magma", "inferno", "gray"];
const tables = {};

/** Load the colour tables: 256 colours of three bytes for each map. */
export async function loadColours(bytes) {
  const all = new Uint8Array(bytes);
  MAPS.forEach((name, index) => (tables[name] = all.slice(index * 768, (index + 1) * 768)));
}

export const colourMaps = MAPS;
export const table = (name) => tables[name];

const VERTEX = `#version 300 es
out vec2 at;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0;
  at = vec2(corner.x, 1.0 - corner.y);
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;
const FRAGMENT = `#version 300 es
precision highp float;
uniform highp sampler2D field;
uniform sampler2D colours;
uniform vec2 limits;
in vec2 at;
out vec4 shade;
void main() {
  float share = clamp((texture(field, at).r - limits.x) / (limits.y - limits.x), 0.0, 1.0);
  shade = vec4(texture(colours, vec2((share * 255.0 + 0.5) / 256.0, 0.5)).rgb, 1.0);
}`;

/** Draws with the graphics card; one that a processor plays is taken only where any will do, for pixels are quicker. */
class Card {
  constructor(canvas, any) {
    const gl = (this.gl = canvas.getContext("webgl2", { alpha: false, antialias: false, preserveDrawingBuffer: true, failIfMajorPerformanceCaveat: !any }));
    if (!gl) throw new Error("no WebGL2");
    const program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
    gl.useProgram(program);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    this.limits = gl.getUniformLocation(program, "limits");
    gl.uniform1i(gl.getUniformLocation(program, "field"), 0);
    gl.uniform1i(gl.getUniformLocation(program, "colours"), 1);
    for (const unit of [0, 1]) {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
      for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
      for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
    }
  }

  draw(values, rows, columns, [low, high], colours) {
    const { gl } = this;
    gl.viewport(0, 0, columns, rows);
    if (this.colours !== colours) {
      gl.activeTexture(gl.TEXTURE1);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB8, 256, 1, 0, gl.RGB, gl.UNSIGNED_BYTE, colours);
      this.colours = colours;
    }
    gl.activeTexture(gl.TEXTURE0);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32F, columns, rows, 0, gl.RED, gl.FLOAT, values);
    gl.uniform2f(this.limits, low, high);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }
}

/** Draws pixel by pixel. */
class Pixels {
  constructor(canvas) {
    this.context = canvas.getContext("2d", { alpha: false });
  }

  draw(values, rows, columns, [low, high], colours) {
    if (this.image?.width !== columns || this.image.height !== rows) this.image = new ImageData(columns, rows);
    if (this.colours !== colours) this.palette = packed(colours);
    this.colours = colours;
    const pixels = new Uint32Array(this.image.data.buffer);
    const scale = 255 / (high - low);
    for (let cell = 0; cell < values.length; cell++) {
      pixels[cell] = this.palette[Math.min(255, Math.max(0, (values[cell] - low) * scale)) + 0.5 | 0];
    }
    this.context.putImageData(this.image, 0, 0);
  }
}

/** Colours as whole pixels. */
function packed(colours) {
  const bytes = new Uint8ClampedArray(1024).fill(255);
  for (let shade = 0; shade < 256; shade++) bytes.set(colours.subarray(3 * shade, 3 * shade + 3), 4 * shade);
  return new Uint32Array(bytes.buffer);
}

/** Limits of the colour scale: all but the half percent at each end, followed slowly so that nothing flickers. */
function followed(values, before) {
  const stride = Math.max(1, Math.floor(values.length / 2048)) | 1;
  const sample = Float32Array.from({ length: Math.floor(values.length / stride) }, (_, index) => values[index * stride]).sort();
  const cut = Math.floor(sample.length / 200);
  let [low, high] = [sample[cut], sample[sample.length - 1 - cut]];
  if (high - low < 1e-6) [low, high] = [low - 0.5, high + 0.5];
  if (!before) return [low, high];
  return [low, high].map((value, side) => before[side] + 0.2 * (value - before[side]));
}

export class FieldView {
  constructor(canvas, overlay, { useCard = true, anyCard = false } = {}) {
    Object.assign(this, { canvas, overlay, useCard, anyCard, map: "viridis", frame: null, limits: null, rings: [], cursor: null });
    this.ink = overlay.getContext("2d");
    this.side = overlay.width;
    new ResizeObserver(([{ contentRect }]) => (this.side = Math.round(contentRect.width * devicePixelRatio))).observe(overlay);
    this.#choose();
  }

  #choose() {
    try {
      this.painter = this.useCard ? new Card(this.canvas, this.anyCard) : new Pixels(this.canvas);
    } catch {
      this.#fallBack();
    }
    this.canvas.addEventListener("webglcontextlost", () => this.#fallBack(), { once: true });
  }

  #fallBack() {
    this.useCard = false;
    const fresh = this.canvas.cloneNode();
    this.canvas.replaceWith(fresh);
    this.canvas = fresh;
    this.painter = new Pixels(fresh);
    if (this.frame) this.redraw();
  }

  /** Forget the scale: another variable is shown, or another run. */
  clear() {
    this.limits = null;
    this.rings = [];
  }

  draw(frame, now) {
    if (this.frame?.variable !== frame.variable) this.limits = null;
    this.frame = frame;
    this.limits = followed(frame.values, this.limits);
    for (const [, row, column] of frame.growth_events) this.rings.push({ row, column, since: now });
    this.rings = this.rings.slice(-40);
    this.redraw();
  }

  redraw() {
    const { values, rows, columns } = this.frame;
    for (const [side, length] of [["width", columns], ["height", rows]])
      if (this.canvas[side] !== length) this.canvas[side] = length;
    this.painter.draw(values, rows, columns, this.limits, tables[this.map]);
  }

  /** Rings and cursor, in the overlay's own pixels; while there are none, nothing is drawn and nothing is composed again. */
  decorate(now, calm) {
    const { ink, overlay, side } = this;
    this.rings = this.rings.filter((ring) => now - ring.since < 900);
    const bare = !this.frame || !(this.rings.length || this.cursor);
    if (bare && this.bare) return;
    this.bare = bare;
    if (overlay.width !== side) overlay.width = overlay.height = side;
    ink.clearRect(0, 0, side, side);
    if (bare) return;
    const cell = side / this.frame.columns;
    for (const { row, column, since } of this.rings) {
      const age = (now - since) / 900;
      ink.strokeStyle = `rgba(255, 255, 255, ${0.9 * (1 - age)})`;
      ink.lineWidth = 1.5 * devicePixelRatio;
      ink.beginPath();
      ink.arc((column + 0.5) * cell, (row + 0.5) * cell, (calm ? 3 : 1 + 5 * age) * Math.max(cell, 3), 0, 7);
      ink.stroke();
    }
    if (this.cursor) this.#aim(cell);
  }

  #aim(cell) {
    const { row, column, radius } = this.cursor;
    for (const [colour, width] of [["rgba(0, 0, 0, 0.6)", 4], ["white", 2]]) {
      this.ink.strokeStyle = colour;
      this.ink.lineWidth = width * devicePixelRatio;
      this.ink.beginPath();
      this.ink.arc((column + 0.5) * cell, (row + 0.5) * cell, (radius + 0.5) * cell, 0, 7);
      this.ink.stroke();
    }
  }

  valueAt(row, column) {
    return this.frame?.values[row * this.frame.columns + column];
  }
}
