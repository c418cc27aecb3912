import Testing

@testable import Observability

@Suite("ProcessMetrics") struct ProcessMetricsTests {
    @Test("are read of a process whose name tries to be fields")
    func statistics() throws {
        let line = "42 (a) S 1 (b) S 1 42 42 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 5 0 1000 123456 789 1844674407370"
        let status = try #require(
            ProcessStatus(statistics: line, bootSeconds: 1_700_000_000, ticksPerSecond: 100, pageSize: 4096))
        #expect(status.cpuSeconds == 2)
        #expect(status.startSeconds == 1_700_000_010)
        #expect(status.virtualBytes == 123_456)
        #expect(status.residentBytes == 789 * 4096)
    }

    @Test("are left out if they cannot be read", arguments: ["", "42 (a)", "42 (a) S x y z", ")"])
    func broken(_ line: String) {
        #expect(ProcessStatus(statistics: line, bootSeconds: 0, ticksPerSecond: 100, pageSize: 4096) == nil)
    }

    @Test("find when the machine began")
    func boot() {
        #expect(ProcessStatus.bootSeconds(in: "cpu 1 2\nbtime 1700000000\nprocesses 3\n") == 1_700_000_000)
        #expect(ProcessStatus.bootSeconds(in: "cpu 1 2\n") == nil)
    }

    @Test("are those of this process")
    func current() throws {
        let status = try #require(ProcessStatus.current)
        #expect(status.residentBytes > 1_000_000 && status.residentBytes < status.virtualBytes)
        let text = String(decoding: ProcessMetrics.exposition(), as: UTF8.self)
        for name in ["cpu_seconds_total", "max_fds", "open_fds", "resident_memory_bytes", "start_time_seconds"] {
            #expect(text.contains("\nprocess_\(name) ") || text.contains("process_\(name) "))
        }
    }
}
