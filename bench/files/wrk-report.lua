-- Prints what wrk has counted as one line of JSON; times are in microseconds.
done = function(summary, latency)
  local format = '{"duration":%.0f,"requests":%.0f,"bytes":%.0f,"failures":%.0f,"p50":%.0f,"p99":%.0f}\n'
  local errors = summary.errors
  local failures = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(format, summary.duration, summary.requests, summary.bytes, failures,
    latency:percentile(50), latency:percentile(99)))
end
