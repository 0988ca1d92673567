"""The least that answers POST /nernst: FastAPI, uvicorn, the same models, nothing around them."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI

from mycelium_fractal_net.biophysics import nernst_potential_mv
from mycelium_fractal_net.service.operations.nernst import NernstRequest, NernstResponse

app = FastAPI()


@app.post("/nernst")
async def nernst(body: NernstRequest) -> NernstResponse:
    potential = nernst_potential_mv(
        body.z_valence, body.concentration_out_molar, body.concentration_in_molar, body.temperature_k
    )
    return NernstResponse(potential_mV=potential)


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, log_level="warning")
