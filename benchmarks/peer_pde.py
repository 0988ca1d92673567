"""The Turing pair in py-pde, with its Numba backend; its potential is left out, which favours it."""

from __future__ import annotations

import mycelium_fractal_net as mfn


class PdePeer:
    """The pair of a simulation under py-pde's explicit Euler stepper in one thread, compiled when made."""

    def __init__(self, simulation: mfn.Simulation) -> None:
        import pde

        pde.config["backend.numba.multithreading"] = "never"
        config, n = simulation.config, simulation.config.grid_size
        p = config.complete_parameters
        grid = pde.CartesianGrid([[0, n], [0, n]], n, periodic=True)
        fields = [pde.ScalarField(grid, x) for x in (simulation.activator, simulation.inhibitor)]
        self.state = pde.FieldCollection(fields, labels=["a", "h"])
        f = f"{p['r_a']} * (4*a*(1-a)*(a-0.5) - {p['beta']}*(h-0.5) + {p['bias']})"
        rates = {"a": f"{p['D_a']}*laplace(a) + {f}", "h": f"{p['D_h']}*laplace(h) + {p['r_h']}*(a-h)"}
        solver = pde.EulerSolver(pde.PDE(rates, bc="periodic"), backend="numba")
        self.stepper = solver.make_stepper(self.state, dt=1.0 / config.substeps)
        self.time = 0.0
        self.advance(1)

    def advance(self, steps: int) -> None:
        """Advance by some steps."""
        self.stepper(self.state, self.time, self.time + steps)
        self.time += steps
