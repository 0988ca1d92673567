-- wrk ... -- PATH KEY BODY: posts BODY, "SEED" in it replaced by 0, 1, 2, ..., and ends with one line of JSON.
local path, body, seed, headers = "/", "", 0, {}

function init(arguments)
  path, body = arguments[1], arguments[3] or ""
  headers = { ["X-API-Key"] = arguments[2], ["Content-Type"] = "application/json" }
end

function request()
  if body == "" then return wrk.format("GET", path, headers) end
  seed = seed + 1
  return wrk.format("POST", path, headers, (body:gsub("SEED", tostring(seed))))
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p95_ms": %.3f, "p99_ms": %.3f, "failed": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3, errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
