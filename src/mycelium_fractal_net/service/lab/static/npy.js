/** Arrays as .npy, the format of NumPy: version 1.0, rows first. */

export function npy(values, rows, columns) {
  const kind = values instanceof Float32Array ? "<f4" : "<f8";
  const text = `{'descr': '${kind}', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64;
  const header = new Uint8Array(length).fill(32);
  header.set([0x93, ...Array.from("NUMPY", (one) => one.charCodeAt(0)), 1, 0, (length - 10) & 255, (length - 10) >> 8]);
  header.set(Array.from(text, (one) => one.charCodeAt(0)), 10);
  header[length - 1] = 10;
  return new Blob([header, values]);
}
