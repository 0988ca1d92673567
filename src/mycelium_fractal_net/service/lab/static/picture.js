/** A picture of one's own becomes discs of excited cells at step 0: part of the configuration like any other stimulus. */

const MOST_DISCS = 400;

/**
 * Cover the dark side of a picture with discs, large ones first.
 * @returns {Promise<{row: number, column: number, radius: number}[]>}
 */
export async function discsOf(file, size) {
  const bitmap = await createImageBitmap(file);
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, size, size);
  const scale = Math.min(size / bitmap.width, size / bitmap.height);
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  context.drawImage(bitmap, (size - width) / 2, (size - height) / 2, width, height);
  const { data } = context.getImageData(0, 0, size, size);
  const grey = Float32Array.from({ length: size * size }, (_, cell) => 0.3 * data[4 * cell] + 0.59 * data[4 * cell + 1] + 0.11 * data[4 * cell + 2]);
  return cover(darker(grey), size);
}

/** Cells darker than the threshold that separates two kinds of cells best (Otsu 1979, doi:10.1109/TSMC.1979.4310076). */
function darker(grey) {
  const counts = new Float64Array(256);
  for (const value of grey) counts[Math.min(255, Math.floor(value))]++;
  const total = counts.reduce((sum, count, shade) => sum + shade * count, 0);
  let [best, threshold, below, sum] = [-1, 127, 0, 0];
  for (let shade = 0; shade < 255; shade++) {
    below += counts[shade];
    sum += shade * counts[shade];
    const above = grey.length - below;
    const spread = below && above ? (sum / below - (total - sum) / above) ** 2 * below * above : 0;
    if (spread > best) [best, threshold] = [spread, shade];
  }
  return Uint8Array.from(grey, (value) => value <= threshold + 0.5);
}

function cover(mask, size) {
  const rooms = [];
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++)
      if (mask[row * size + column]) rooms.push({ row, column, radius: room(mask, size, row, column) });
  rooms.sort((one, two) => two.radius - one.radius);
  const covered = new Uint8Array(size * size);
  const discs = [];
  for (const disc of rooms) {
    if (discs.length >= MOST_DISCS) break;
    if (covered[disc.row * size + disc.column]) continue;
    discs.push(disc);
    around(disc, size, (cell) => (covered[cell] = 1));
  }
  return discs;
}

/** The largest radius, up to 12 cells, whose disc stays inside the mask. */
function room(mask, size, row, column) {
  let radius = 0;
  while (radius < 12) {
    let inside = true;
    around({ row, column, radius: radius + 1 }, size, (cell) => (inside &&= Boolean(mask[cell])));
    if (!inside) break;
    radius++;
  }
  return radius;
}

function around({ row, column, radius }, size, visit) {
  for (let i = Math.max(0, row - radius); i <= Math.min(size - 1, row + radius); i++)
    for (let j = Math.max(0, column - radius); j <= Math.min(size - 1, column + radius); j++)
      if ((i - row) ** 2 + (j - column) ** 2 <= radius ** 2) visit(i * size + j);
}
