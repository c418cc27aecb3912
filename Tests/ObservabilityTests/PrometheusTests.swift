import CoreMetrics
import Testing

@testable import Observability

@Suite("PrometheusRegistry") struct PrometheusTests {
    @Test("shows help and type once for a name, then its series by their labels")
    func families() {
        let harness = MetricsHarness(help: ["reviews_total": "Reviews, by path.\nAnd \\ outcome."])
        Counter(label: "reviews_total", dimensions: [("path", "/mutate")], factory: harness.factory).increment(by: 3)
        Counter(label: "reviews_total", dimensions: [("path", "/a")], factory: harness.factory).increment()
        Meter(label: "depth", factory: harness.factory).set(2)
        #expect(
            harness.text == #"""
                # TYPE depth gauge
                depth 2
                # HELP reviews_total Reviews, by path.\nAnd \\ outcome.
                # TYPE reviews_total counter
                reviews_total{path="/a"} 1
                reviews_total{path="/mutate"} 3

                """#)
    }

    @Test("counts in cumulative buckets, the last of which has everything")
    func histogram() {
        let harness = MetricsHarness(buckets: ["wait_seconds": [0.001, 0.01, 1]])
        let timer = Timer(label: "wait", dimensions: [("queue", "a")], factory: harness.factory)
        for microseconds in [500, 1000, 1001, 2_000_000] { timer.recordMicroseconds(microseconds) }
        #expect(
            harness.text == """
                # TYPE wait_seconds histogram
                wait_seconds_bucket{queue="a",le="0.001"} 2
                wait_seconds_bucket{queue="a",le="0.01"} 3
                wait_seconds_bucket{queue="a",le="1"} 3
                wait_seconds_bucket{queue="a",le="+Inf"} 4
                wait_seconds_sum{queue="a"} 2.002501
                wait_seconds_count{queue="a"} 4

                """)
    }

    @Test("shows each kind of metric as its type")
    func kinds() {
        let harness = MetricsHarness(buckets: ["size": [10]])
        FloatingPointCounter(label: "cost", factory: harness.factory).increment(by: 0.25)
        Gauge(label: "expiry", factory: harness.factory).record(1.5e18)
        Recorder(label: "size", factory: harness.factory).record(7)
        let meter = Meter(label: "in.flight", factory: harness.factory)
        meter.increment()
        meter.increment()
        meter.decrement()
        #expect(
            harness.text == """
                # TYPE cost counter
                cost 0.25
                # TYPE expiry gauge
                expiry 1.5e+18
                # TYPE in_flight gauge
                in_flight 1
                # TYPE size histogram
                size_bucket{le="10"} 1
                size_bucket{le="+Inf"} 1
                size_sum 7
                size_count 1

                """)
    }

    @Test("escapes label values, so that none can forge a line")
    func escaping() {
        let harness = MetricsHarness()
        Counter(label: "x", dimensions: [("l", "a\"} 1\ny 2\\")], factory: harness.factory).increment()
        #expect(harness.samples == [#"x{l="a\"} 1\ny 2\\"} 1"#])
    }

    @Test(
        "makes names that Prometheus allows",
        arguments: [
            ("http.server-duration", "http_server_duration"), ("1st", "_1st"), ("", "_"), ("größe", "gr__e"),
            ("a:b_C9", "a:b_C9"),
        ])
    func names(_ label: String, _ name: String) {
        let harness = MetricsHarness()
        Counter(label: label, factory: harness.factory).increment()
        #expect(harness.samples == ["\(name) 1"])
    }

    @Test("has one series for the same labels in whatever order")
    func identity() {
        let harness = MetricsHarness()
        Counter(label: "x", dimensions: [("a", "1"), ("b", "2")], factory: harness.factory).increment()
        Counter(label: "x", dimensions: [("b", "2"), ("a", "1")], factory: harness.factory).increment()
        Counter(label: "x", dimensions: [("b", "0"), ("a", "1"), ("b", "2")], factory: harness.factory).increment()
        #expect(harness.samples == [#"x{a="1",b="2"} 3"#])
    }

    @Test("forgets what is destroyed")
    func destroyed() {
        let harness = MetricsHarness()
        let first = Counter(label: "x", dimensions: [("a", "1")], factory: harness.factory)
        let second = Counter(label: "x", dimensions: [("a", "2")], factory: harness.factory)
        first.destroy()
        #expect(harness.samples == [#"x{a="2"} 0"#])
        second.destroy()
        #expect(harness.text.isEmpty)
    }

    @Test("is not spoilt by values that are no numbers, nor by counters that would fall")
    func hostileValues() {
        let harness = MetricsHarness(buckets: ["r": [1]])
        let recorder = Recorder(label: "r", factory: harness.factory)
        recorder.record(Double.nan)
        recorder.record(Double.infinity)
        Counter(label: "c", factory: harness.factory).increment(by: -1)
        Gauge(label: "g", factory: harness.factory).record(-Double.infinity)
        #expect(harness.samples.contains("r_count 0") && harness.samples.contains("r_sum 0"))
        #expect(harness.samples.contains("c 0") && harness.samples.contains("g -Inf"))
    }

    @Test("loses no count to threads")
    func concurrency() async {
        let harness = MetricsHarness()
        let counter = Counter(label: "c", factory: harness.factory)
        let recorder = Recorder(label: "r", factory: harness.factory)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<10_000 {
                        counter.increment()
                        recorder.record(1)
                    }
                }
            }
        }
        #expect(harness.samples.contains("c 80000") && harness.samples.contains("r_count 80000"))
    }
}

private struct MetricsHarness {
    let factory: PrometheusMetricsFactory
    private let registry: PrometheusRegistry

    init(help: [String: String] = [:], buckets: [String: [Double]] = [:]) {
        registry = PrometheusRegistry(help: help, buckets: buckets)
        factory = PrometheusMetricsFactory(registry: registry)
    }

    var text: String { String(decoding: registry.exposition(), as: UTF8.self) }

    var samples: [String] { text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") } }
}
