import Foundation

/// What `hack/bench` measured, as people read it.
struct Report {
    /// A build under load, in one round.
    private struct Load {
        var requests: Double
        var seconds: Double
        /// In microseconds: p50, p99 and p99.9.
        var latencies: [Double]
        var failures: Int
        /// Of the processor time, in hundredths of a second.
        var ticks: Double
        var kilobytes: Double
        /// What of these is no file's.
        var ownKilobytes: Double

        var rate: Double { seconds > 0 ? requests / seconds : 0 }
        var microsecondsOfProcessor: Double { requests > 0 ? ticks * 10_000 / requests : 0 }
    }

    /// What was measured of a build under one kind of load, in all rounds.
    private struct Contest {
        var name: String
        var demand: String
        var bytes: Int
        var connections: Int
        var rounds: [Load] = []

        var rate: Double { median(\.rate) }

        func median(_ figure: (Load) -> Double) -> Double { Report.median(rounds.map(figure)) }
    }

    private static func median(_ figures: [Double]) -> Double {
        figures.isEmpty ? 0 : figures.sorted()[figures.count / 2]
    }

    private var contests: [Contest] = []
    /// Single figures, in the order in which they were measured.
    private var facts: [(what: String, value: String)] = []

    init(results: String) throws {
        for line in results.split(separator: "\n") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            let numbers = fields.map { Double($0) ?? 0 }
            switch (fields.first, fields.count) {
            case ("load", 14):
                note(
                    Load(
                        requests: numbers[5], seconds: numbers[6], latencies: Array(numbers[7...9]),
                        failures: Int(numbers[10]), ticks: numbers[11], kilobytes: numbers[12],
                        ownKilobytes: numbers[13]),
                    in: Contest(
                        name: fields[1], demand: fields[2], bytes: Int(numbers[3]), connections: Int(numbers[4])))
            case ("size", 2):
                facts.append(("the stripped binary", megabytes(numbers[1] / 1000)))
            case ("stage", 6):
                let allocations =
                    fields[3].isEmpty ? "" : ", \(fields[3]) allocations of \(decimal(numbers[4] / 1000, 1)) KB"
                let instructions = fields[5].isEmpty ? "" : ", \(decimal(numbers[5] / 1000, 0)) thousand instructions"
                facts.append(
                    (
                        "a review of 15 KB in process, \(fields[1])",
                        "\(decimal(numbers[2] / 1000, 1)) µs\(allocations)\(instructions)"
                    ))
            case ("start", 3):
                facts.append(("\(fields[1]): from start to ready", milliseconds(numbers[2])))
            case ("condition", 3):
                facts.append(("\(fields[1]): from a ServiceAccount to its condition", milliseconds(numbers[2])))
            case ("sync", 6):
                facts.append(
                    (
                        "\(fields[1]): \(fields[2]) synced",
                        """
                        \(decimal(numbers[3] / 1_000_000, 2)) s, own processor \(decimal(numbers[4] / 100, 2)) s, \
                        \(megabytes(numbers[5]))
                        """
                    ))
            default: throw MalformedResults(line: String(line))
            }
        }
    }

    private mutating func note(_ round: Load, in contest: Contest) {
        let place = contests.firstIndex {
            $0.name == contest.name && $0.demand == contest.demand && $0.bytes == contest.bytes
                && $0.connections == contest.connections
        }
        if let place {
            contests[place].rounds.append(round)
        } else {
            contests.append(contest)
            contests[contests.count - 1].rounds = [round]
        }
    }

    struct MalformedResults: Error, CustomStringConvertible {
        var line: String
        var description: String { "not a line of results: \(line)" }
    }

    /// - Parameter form: `table`, `markdown` or `svg`.
    func text(as form: String) throws -> String {
        switch form {
        case "table": lines(cells: { $0.map(padded).joined(separator: "  ") }, fact: { "\($0): \($1)" })
        case "markdown":
            lines(
                cells: { "| \($0.joined(separator: " | ")) |" }, fact: { "* \($0): \($1)" },
                rule: "|\(String(repeating: " ---: |", count: Self.header.count))")
        case "svg": picture
        default: throw MalformedResults(line: form)
        }
    }

    // MARK: Text

    private static let header = [
        "bytes", "asked for", "connections", "reviews/s", "of the floor", "p50 ms", "p99 ms", "p99.9 ms",
        "processor µs", "memory MB", "own MB", "failed",
    ]

    private func lines(
        cells: ([String]) -> String, fact: (String, String) -> String, rule: String? = nil
    ) -> String {
        let rows = contests.filter { $0.name != "floor" }.map { contest in
            [
                "\(contest.bytes)",
                contest.name == "lanyard" ? contest.demand : "\(contest.demand) (\(contest.name))",
                "\(contest.connections)", decimal(contest.rate, 0), share(contest),
            ] + (0..<3).map { index in decimal(contest.median { $0.latencies[index] } / 1000, 2) } + [
                decimal(contest.median(\.microsecondsOfProcessor), 0),
                decimal((contest.rounds.map(\.kilobytes).max() ?? 0) / 1000, 0),
                decimal((contest.rounds.map(\.ownKilobytes).max() ?? 0) / 1000, 0),
                "\(contest.rounds.reduce(0) { $0 + $1.failures })",
            ]
        }
        let table = [cells(Self.header)] + [rule].compactMap { $0 } + rows.map(cells)
        return (table + [""] + (facts + ratioToEKS).map(fact)).joined(separator: "\n")
    }

    /// The rate as a part of that of the constant answer: the median of all rounds, the least and the most.
    private func share(_ contest: Contest) -> String {
        let shares = ratios(of: contest, to: "floor").map { 100 * $0 }
        guard let least = shares.min(), let most = shares.max() else { return "" }
        let median = "\(decimal(Self.median(shares), 0)) %"
        return shares.count == 1 ? median : "\(median) (\(decimal(least, 0)) to \(decimal(most, 0)))"
    }

    /// Of each round's rate to that of another in the same round.
    private func ratios(of contest: Contest, to name: String) -> [Double] {
        let other = contests.first {
            $0.name == name && $0.connections == contest.connections && $0.bytes == contest.bytes
                && $0.demand == contest.demand
        }
        return zip(contest.rounds, other?.rounds ?? []).filter { $1.rate > 0 }.map { $0.rate / $1.rate }
    }

    /// How many times as fast as the webhook of EKS, where that was measured.
    private var ratioToEKS: [(what: String, value: String)] {
        contests.filter { $0.name == "lanyard" }.compactMap { contest in
            let ratios = ratios(of: contest, to: "eks")
            guard let least = ratios.min(), let most = ratios.max() else { return nil }
            return (
                "lanyard's rate to that of EKS's webhook, \(contest.bytes) bytes, \(contest.connections) connections",
                "\(decimal(Self.median(ratios), 1)) (\(decimal(least, 1)) to \(decimal(most, 1)))"
            )
        }
    }

    // MARK: The picture

    /// Two bars for each size: the floor, and the webhook.
    private var picture: String {
        let floors = contests.filter { $0.name == "floor" && $0.demand == "one" && $0.connections == 16 }
        let highest = max(1, floors.map(\.rate).max() ?? 1)
        var body = ""
        for (index, floor) in floors.enumerated() {
            let webhook = contests.first {
                $0.name == "lanyard" && $0.demand == "one" && $0.connections == 16 && $0.bytes == floor.bytes
            }
            let top = 52 + index * 56
            body += text(
                floor.bytes >= 1000 ? "\(floor.bytes / 1000) KB" : "\(floor.bytes) B", x: 56, y: top + 25, "end")
            body += bar(floor.rate / highest, y: top, "#c8ccd4", "\(decimal(floor.rate, 0)) a constant answer")
            if let webhook {
                body += bar(webhook.rate / highest, y: top + 22, "#f05138", "\(decimal(webhook.rate, 0)) lanyard")
            }
        }
        let height = 60 + floors.count * 56
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 \(height)" font-family="sans-serif" font-size="13">
            <rect width="760" height="\(height)" fill="#ffffff"/>
            \(text("Admission reviews a second, 16 connections, by the size of the review", x: 64, y: 28, "start"))\
            \(body)</svg>
            """
    }

    private func bar(_ share: Double, y: Int, _ color: String, _ label: String) -> String {
        let width = Int(480 * share)
        return "<rect x=\"64\" y=\"\(y)\" width=\"\(max(1, width))\" height=\"18\" fill=\"\(color)\"/>\n"
            + text(label, x: 72 + width, y: y + 14, "start")
    }

    private func text(_ content: String, x: Int, y: Int, _ anchor: String) -> String {
        "<text x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor)\" fill=\"#1f2328\">\(content)</text>\n"
    }
}

// MARK: Figures

private func decimal(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

private func milliseconds(_ microseconds: Double) -> String { "\(decimal(microseconds / 1000, 0)) ms" }

private func megabytes(_ kilobytes: Double) -> String { "\(decimal(kilobytes / 1000, 1)) MB" }

private func padded(_ cell: String) -> String {
    String(repeating: " ", count: max(0, 12 - cell.count)) + cell
}
