-- What wrk sends and what it prints: wrk … --script load.lua URL -- BODY...
-- The bodies are files with AdmissionReviews; they are sent in turn.

local requests = {}
local turn = 0

function init(arguments)
  for _, path in ipairs(arguments) do
    local file = assert(io.open(path, "rb"))
    local body = file:read("*a")
    file:close()
    local headers = { ["Content-Type"] = "application/json", ["Accept"] = "application/json" }
    requests[#requests + 1] = wrk.format("POST", wrk.path, headers, body)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

-- One line: requests, seconds, the latency's p50, p99 and p99.9 in microseconds, and how many requests failed.
function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format("result\t%d\t%.6f\t%d\t%d\t%d\t%d", summary.requests, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), failed))
end
