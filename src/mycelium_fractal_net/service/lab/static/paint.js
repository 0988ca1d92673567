/** Painting on a field with a mouse, a finger or the keyboard. */

/**
 * @param {() => {variable: string, value: number, radius: number, mode: string, on: boolean}} brush
 * @param {(pane: Pane, row: number, column: number) => void} aimed what is under the brush
 */
export function paintable(pane, brush, aimed) {
  const { overlay, view } = { overlay: pane.view.overlay, view: pane.view };
  let last = null;

  const cellAt = ({ clientX, clientY }) => {
    const box = overlay.getBoundingClientRect();
    const { rows, columns } = view.frame;
    const inside = (share, cells) => Math.min(cells - 1, Math.max(0, Math.floor(share * cells)));
    return { row: inside((clientY - box.top) / box.height, rows), column: inside((clientX - box.left) / box.width, columns) };
  };

  const aim = ({ row, column }) => {
    view.cursor = { row, column, radius: brush().radius };
    aimed(pane, row, column);
  };

  const dab = ({ row, column }) => {
    const { variable, value, radius, mode } = brush();
    last = { row, column };
    pane.paint({ row, column, radius, variable, value, mode });
  };

  overlay.addEventListener("pointerdown", (event) => {
    if (!view.frame || !brush().on || event.button !== 0) return;
    overlay.setPointerCapture(event.pointerId);
    const cell = cellAt(event);
    aim(cell);
    dab(cell);
  });
  overlay.addEventListener("pointermove", (event) => {
    if (!view.frame) return;
    const cell = cellAt(event);
    aim(cell);
    if (!overlay.hasPointerCapture(event.pointerId)) return;
    if (!last || Math.hypot(cell.row - last.row, cell.column - last.column) >= Math.max(1, 0.7 * brush().radius)) dab(cell);
  });
  overlay.addEventListener("pointerleave", () => (view.cursor = null));
  overlay.addEventListener("blur", () => (view.cursor = null));

  const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  overlay.addEventListener("keydown", (event) => {
    if (!view.frame || event.ctrlKey || event.metaKey || event.altKey) return;
    const { rows, columns } = view.frame;
    const { row, column } = view.cursor ?? { row: rows >> 1, column: columns >> 1 };
    const move = MOVES[event.key];
    if (move) {
      const far = event.shiftKey ? 8 : 1;
      aim({ row: (row + far * move[0] + rows) % rows, column: (column + far * move[1] + columns) % columns });
    } else if (event.key === "Enter") {
      aim({ row, column });
      dab({ row, column });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
