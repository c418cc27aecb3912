import Glibc

/// What Prometheus expects every process to tell of itself, from `/proc`
/// (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>, `proc(5)`).
struct ProcessMetrics {
    /// What cannot be read is left out.
    static func exposition() -> [UInt8] {
        var text = PrometheusText()
        func write(_ name: String, _ type: PrometheusType, _ help: String, _ value: Double?) {
            guard let value else { return }
            text.begin(name, type, help: help)
            text.sample(name, PrometheusLabels([]), value)
        }
        let status = ProcessStatus.current
        write("process_cpu_seconds_total", .counter, "User and system CPU time, in seconds.", status?.cpuSeconds)
        write("process_max_fds", .gauge, "Most file descriptors that may be open.", openFileLimit)
        write("process_open_fds", .gauge, "Open file descriptors.", openFiles)
        write("process_resident_memory_bytes", .gauge, "Resident memory, in bytes.", status?.residentBytes)
        write("process_start_time_seconds", .gauge, "When the process began, in Unix time.", status?.startSeconds)
        write("process_virtual_memory_bytes", .gauge, "Virtual memory, in bytes.", status?.virtualBytes)
        return text.bytes
    }

    private static var openFileLimit: Double? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return Double(limit.rlim_cur)
    }

    private static var openFiles: Double? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // Not the two dots, nor the directory itself.
        return Double(count - 3)
    }
}

/// `/proc/self/stat`
struct ProcessStatus {
    var cpuSeconds: Double
    var startSeconds: Double?
    var virtualBytes: Double
    var residentBytes: Double

    static var current: ProcessStatus? {
        guard let statistics = contents(of: "/proc/self/stat") else { return nil }
        return ProcessStatus(
            statistics: statistics,
            bootSeconds: contents(of: "/proc/stat").flatMap(bootSeconds),
            ticksPerSecond: Double(sysconf(CInt(_SC_CLK_TCK))),
            pageSize: Double(sysconf(CInt(_SC_PAGESIZE))))
    }

    /// - Parameter statistics: one line, of which the second field is the command in parentheses. It may hold anything, so the
    ///   fields are counted from its end.
    init?(statistics: String, bootSeconds: Double?, ticksPerSecond: Double, pageSize: Double) {
        guard let commandEnd = statistics.lastIndex(of: ")") else { return nil }
        // The third field of proc(5) comes first here.
        let fields = statistics[commandEnd...].dropFirst().split(separator: " ")
        func field(_ number: Int) -> Double? {
            fields.indices.contains(number - 3) ? Double(fields[number - 3]) : nil
        }
        guard let user = field(14), let system = field(15), let start = field(22), let virtual = field(23),
            let resident = field(24)
        else { return nil }
        cpuSeconds = (user + system) / ticksPerSecond
        startSeconds = bootSeconds.map { $0 + start / ticksPerSecond }
        virtualBytes = virtual
        residentBytes = resident * pageSize
    }

    /// `btime` of `/proc/stat`
    static func bootSeconds(in text: String) -> Double? {
        let line = text.split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line?.split(separator: " ").last.flatMap { Double($0) }
    }

    private static func contents(of path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(file, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
